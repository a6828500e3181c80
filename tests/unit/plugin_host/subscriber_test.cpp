// tocsin.subscriber/1: opening, feeding and closing, through the C++ class.
#include "core/plugin_host/calls/subscriber_call.hpp"

#include "sdk_plugin.hpp"

#include <tocsin/sdk/subscriber.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <gtest/gtest.h>

namespace tocsin {
namespace {

class listener : public sdk::plugin, public sdk::subscriber {
 public:
  using plugin::plugin;

  sdk::token open(const sdk::subscription_config& config) override {
    if (config.settings() == "{}") throw sdk::failure(TOCSIN_INVALID, "a folder is missing");
    if (config.name() == "unnamed") return {};
    return names.add(std::string(config.name()));
  }
  void close(sdk::token which) override { closed.push_back(*names.find(which)); }
  void received(sdk::token which, const sdk::events& batch, std::uint64_t lost) override {
    if (batch.empty()) throw std::runtime_error("nothing came");
    std::string line = *names.find(which) + " lost " + std::to_string(lost) + ":";
    for (const sdk::event& one : batch) {
      line += " " + std::string(one.id) + "=" + std::string(one.data) + "/" + std::string(one.severity);
      for (std::uint64_t at = 0; at < one.attribute_count; ++at)
        line += "+" + std::string(sdk::view(one.attributes[at].name));
    }
    lines.push_back(line);
    call = std::string(plugin_call::current(*identity)->call());
    about = calls_under_way().back().about;
  }

  sdk::token_table<std::string> names;
  std::vector<std::string> closed, lines;
  std::string call, about;
  const plugin_identity* identity = nullptr;
};

using running_listener = test::running_sdk_plugin<listener>;

std::shared_ptr<const event> make(std::string id) {
  event made;
  made.id = std::move(id);
  made.source = "/test";
  made.type = "tocsin.test";
  made.data = "{}";
  made.severity = severity::warn;
  made.attributes = {{"site", "x"}};
  return std::make_shared<const event>(std::move(made));
}

result<subscriber_ptr> open(running_listener& running, const std::string& name,
                            const std::string& settings = R"({"folder":"x"})") {
  return open_subscriber(&running.instance(), "fake", {name, settings});
}

TEST(Subscriber, GetsItsEventsInABatchWithWhatWasLost) {
  test::fake_house house;
  running_listener running(house, {TOCSIN_EXT_SUBSCRIBER});
  running.object().identity = &running.instance().identity;
  const auto opened = open(running, "audit");
  ASSERT_TRUE(opened);
  const std::vector<std::shared_ptr<const event>> two{make("1"), make("2")};
  EXPECT_TRUE((*opened)->take(two, 3));
  EXPECT_EQ(running.object().lines, (std::vector<std::string>{"audit lost 3: 1={}/warn+site 2={}/warn+site"}));
  EXPECT_EQ(running.object().call, "subscriber.events");
  EXPECT_EQ(running.object().about, "event 1, and 1 more");
  (*opened)->close();
  EXPECT_EQ(running.object().closed, (std::vector<std::string>{"audit"}));
}

TEST(Subscriber, MayBeOpenedAnewBeforeTheOneThatItReplacesIsClosed) {
  test::fake_house house;
  running_listener running(house, {TOCSIN_EXT_SUBSCRIBER});
  running.object().identity = &running.instance().identity;
  const auto before = open(running, "audit");
  const auto after = open(running, "audit");
  ASSERT_TRUE(before && after);
  (*before)->close();
  const std::vector<std::shared_ptr<const event>> one{make("1")};
  EXPECT_TRUE((*after)->take(one, 0));
  EXPECT_EQ(running.object().lines, (std::vector<std::string>{"audit lost 0: 1={}/warn+site"}));
}

TEST(Subscriber, ThatRefusesItsSettingsSaysWhy) {
  test::fake_house house;
  running_listener running(house, {TOCSIN_EXT_SUBSCRIBER});
  const auto refused = open(running, "audit", "{}");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "a folder is missing.");
  EXPECT_EQ(refused.error().place.key, "subscribers.audit");
  EXPECT_EQ(open_subscriber(nullptr, "absent", {"audit", "{}"}).error().what, "The plugin \"absent\" does not run.");
}

TEST(Subscriber, ThatGivesNoNameIsRefusedAndReported) {
  test::captured_log log;
  test::fake_house house;
  running_listener running(house, {TOCSIN_EXT_SUBSCRIBER});
  EXPECT_FALSE(open(running, "unnamed"));
  EXPECT_EQ(log.count("plugin is misbehaving"), 1u);
}

TEST(Subscriber, AnExceptionEndsAtTheBarrierAndAfterStopNothingComes) {
  test::captured_log log;
  test::fake_house house;
  running_listener running(house, {TOCSIN_EXT_SUBSCRIBER});
  const auto opened = open(running, "audit");
  ASSERT_TRUE(opened);
  EXPECT_TRUE((*opened)->take({}, 1)) << "it did not come as far as the host";
  EXPECT_EQ(log.count("nothing came"), 1u);
  ASSERT_TRUE(running.stop());
  const std::vector<std::shared_ptr<const event>> one{make("1")};
  EXPECT_FALSE((*opened)->take(one, 0));
  (*opened)->close();
}

}  // namespace
}  // namespace tocsin
