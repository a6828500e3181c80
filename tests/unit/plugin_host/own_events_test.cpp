// Events that a plugin publishes in its own name, with the source {0, 0}.
#include "sdk_plugin.hpp"

#include <tocsin/sdk/source.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace tocsin {
namespace {

class quiet_plugin : public sdk::plugin {
 public:
  using plugin::plugin;
};

class telling_source : public sdk::plugin, public sdk::source {
 public:
  using plugin::plugin;
  sdk::token open(const sdk::source_config&) override { return {1, 1}; }
  void close(sdk::token) override {}
  void published(sdk::token which, std::uint64_t ticket, const sdk::publish_result& result) override {
    answers.add({which.index, which.generation, ticket, result.accepted()});
  }
  test::gathered<std::vector<std::uint64_t>> answers;
};

sdk::event make_event() {
  sdk::event made;
  made.id = "1";
  made.source = "/plugins/fake";
  made.type = "tocsin.test";
  return made;
}

// Publishes in start().
class eager_source : public telling_source {
 public:
  using telling_source::telling_source;
  void start() override {
    host().publish(make_event(), 7);
    if (fails) throw std::runtime_error("it fails");
    started_ = true;
  }
  void published(sdk::token which, std::uint64_t ticket, const sdk::publish_result& result) override {
    ++calls;
    if (!started_) answered_too_early = true;
    telling_source::published(which, ticket, result);
  }
  inline static bool fails = false;
  inline static std::atomic<int> calls{0};
  std::atomic<bool> answered_too_early{false};

 private:
  std::atomic<bool> started_{false};
};

TEST(OwnEvents, ArePublishedByAPluginThatIsNoSource) {
  test::fake_house house;
  house.answer = [](const source_publication&) { return publication_result{1, 0}; };
  test::running_sdk_plugin<quiet_plugin> running(house, {});
  running.object().host().publish(make_event());
  const auto seen = house.publications.wait(1);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].source, "plugin:fake");
  EXPECT_EQ(seen[0].events.at(0).source, "/plugins/fake");
}

TEST(OwnEvents, AreSixteenUnderWayAtMost) {
  test::fake_house house;
  test::running_sdk_plugin<quiet_plugin> running(house, {});
  const sdk::host_api& host = running.object().host();
  for (int number = 0; number < 16; ++number) host.publish(make_event());
  try {
    host.publish(make_event());
    FAIL() << "a 17th was taken";
  } catch (const sdk::failure& refused) {
    EXPECT_EQ(refused.status(), TOCSIN_UNAVAILABLE);
  }
  house.answers.at(0)(publication_result{1, 0});
  test::drain(running.instance().tasks);
  host.publish(make_event());
  EXPECT_EQ(house.publications.size(), 17u);
}

TEST(OwnEvents, AnswerASourceUnderTheTokenOfNothing) {
  test::fake_house house;
  house.answer = [](const source_publication&) { return publication_result{1, 0}; };
  test::running_sdk_plugin<telling_source> running(house, {TOCSIN_EXT_SOURCE});
  running.object().host().publish(make_event(), 7);
  EXPECT_EQ(running.object().answers.wait(1), (std::vector<std::vector<std::uint64_t>>{{0, 0, 7, 1}}));
}

TEST(OwnEvents, MayBePublishedWhileThePluginStarts) {
  test::fake_house house;
  house.answer = [](const source_publication&) { return publication_result{1, 0}; };
  test::running_sdk_plugin<eager_source> running(house, {TOCSIN_EXT_SOURCE});
  EXPECT_EQ(running.object().answers.wait(1), (std::vector<std::vector<std::uint64_t>>{{0, 0, 7, 1}}));
  EXPECT_FALSE(running.object().answered_too_early);
}

TEST(OwnEvents, OfAPluginThatFailsToStartAreNotAnswered) {
  eager_source::fails = true;
  eager_source::calls = 0;
  {
    test::fake_house house;  // its end waits for what is posted
    house.answer = [](const source_publication&) { return publication_result{1, 0}; };
    EXPECT_THROW((test::running_sdk_plugin<eager_source>(house, {TOCSIN_EXT_SOURCE})), std::runtime_error);
    EXPECT_EQ(house.publications.size(), 1u);
  }
  eager_source::fails = false;
  EXPECT_EQ(eager_source::calls, 0);
}

TEST(OwnEvents, ThatAreNotTakenAreLoggedWhereNobodyIsThereToBeTold) {
  test::captured_log log;
  test::fake_house house;
  house.answer = [](const source_publication&) -> result<publication_result> {
    return fault{"STORE_FULL", "The disk is full.", {}, {}};
  };
  test::running_sdk_plugin<quiet_plugin> running(house, {});
  running.object().host().publish(make_event());
  EXPECT_TRUE(log.wait("events of a plugin's own were not taken"));
  EXPECT_EQ(log.count("The disk is full."), 1u);
}

}  // namespace
}  // namespace tocsin
