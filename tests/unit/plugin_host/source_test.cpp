// Events of a source plugin: copied, checked, within credits, answered on the plugin's queue.
#include "core/plugin_host/extensions/host_extensions.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace tocsin {
namespace {

using test::fake_house;
using test::fake_plugin;
using test::running_plugin;
using testing::HasSubstr;

// A source {9, 1} with some credits, and what published() said of it.
class publishing {
 public:
  explicit publishing(std::uint64_t credits) : running(house, plugin) {
    running->sources.begin_opening(std::make_shared<open_source_entry>("license", credits));
    EXPECT_TRUE(running->sources.end_opening({9, 1}));
    running->answer_limit = std::chrono::milliseconds(0);
    plugin.published = [this](tocsin_token, std::uint64_t ticket, const tocsin_publish_result& result) {
      said.add({ticket, result.status, result.accepted, result.duplicates,
                std::string(result.reason.data, result.reason.size)});
    };
  }

  tocsin_status publish(std::size_t count, std::uint64_t ticket = 1, tocsin_token source = {9, 1},
                        const char* severity = "warn") {
    std::vector<std::string> ids;
    std::vector<tocsin_event> events;
    for (std::size_t index = 0; index < count; ++index) {
      const std::string& id = ids.emplace_back("event-" + std::to_string(index));
      static_cast<void>(id);
    }
    for (const std::string& id : ids) {
      tocsin_event made{};
      made.struct_size = sizeof(made);
      made.id = test::text(id);
      made.source = test::text("/license");
      made.type = test::text("tocsin.license.expiring");
      made.time_ms = 1000;
      made.expires_ms = TOCSIN_NO_TIME;
      made.severity = test::text(severity);
      made.data = {reinterpret_cast<const std::uint8_t*>("{}"), 2};
      events.push_back(made);
    }
    std::vector<const tocsin_event*> pointers;
    for (const tocsin_event& event : events) pointers.push_back(&event);
    const tocsin_field memory{test::text("step"), test::text("30")};
    error.clear();
    const tocsin_sink sink{sizeof(sink), 0, &error, [](void* context, tocsin_bytes data) -> tocsin_status {
                             static_cast<std::string*>(context)->append(reinterpret_cast<const char*>(data.data),
                                                                        data.size);
                             return TOCSIN_OK;
                           }};
    return plugin.of_host<tocsin_host_publish>(TOCSIN_HOST_PUBLISH)
        .publish(plugin.host->context, source, ticket, pointers.data(), pointers.size(), &memory, 1, &sink);
  }

  struct answer {
    std::uint64_t ticket;
    tocsin_status status;
    std::uint64_t accepted, duplicates;
    std::string reason;
  };

  fake_house house;
  fake_plugin plugin;
  running_plugin running;
  test::gathered<answer> said;
  std::string error;
};

TEST(Publish, CopiesEventsAndMemoryAndAnswersWithTheTicket) {
  publishing source(10);
  source.house.answer = [](const source_publication&) { return publication_result{1, 1}; };
  EXPECT_EQ(source.publish(2, 77), TOCSIN_OK);
  const auto handed_in = source.house.publications.wait(1);
  ASSERT_EQ(handed_in.size(), 1u);
  EXPECT_EQ(handed_in[0].source, "license");
  ASSERT_EQ(handed_in[0].events.size(), 2u);
  EXPECT_EQ(handed_in[0].events[1].id, "event-1");
  EXPECT_EQ(handed_in[0].events[0].severity, severity::warn);
  EXPECT_EQ(handed_in[0].events[0].time, 1000);
  EXPECT_EQ(handed_in[0].events[0].expires, std::nullopt);
  EXPECT_EQ(handed_in[0].events[0].data, "{}");
  ASSERT_EQ(handed_in[0].memory.size(), 1u);
  EXPECT_EQ(handed_in[0].memory[0].source, "license");
  EXPECT_EQ(handed_in[0].memory[0].name, "step");
  const auto said = source.said.wait(1);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].ticket, 77u);
  EXPECT_EQ(said[0].status, TOCSIN_OK);
  EXPECT_EQ(said[0].accepted, 1u);
  EXPECT_EQ(said[0].duplicates, 1u);
}

TEST(Publish, HoldsAFloodBackByItsCreditsAndGivesThemBackWithTheAnswer) {
  publishing source(3);
  EXPECT_EQ(source.publish(2, 1), TOCSIN_OK);
  EXPECT_EQ(source.publish(2, 2), TOCSIN_UNAVAILABLE);
  EXPECT_EQ(source.publish(1, 3), TOCSIN_OK);
  EXPECT_EQ(source.publish(0, 4), TOCSIN_UNAVAILABLE);  // memory alone takes one, too
  ASSERT_EQ(source.house.answers.size(), 2u);
  source.house.answers[0](publication_result{2, 0});
  ASSERT_EQ(source.said.wait(1).size(), 1u);
  EXPECT_EQ(source.publish(2, 5), TOCSIN_OK);
}

TEST(Publish, RefusesMoreEventsThanTheSourceHasCreditsAtAll) {
  publishing source(3);
  EXPECT_EQ(source.publish(4), TOCSIN_INVALID);
  EXPECT_THAT(source.error, HasSubstr("4 events at once are more than all 3 credits"));
}

TEST(Publish, RefusesAnInvalidEventNamesItAndKeepsTheCredits) {
  const test::captured_log log;
  publishing source(2);
  EXPECT_EQ(source.publish(2, 1, {9, 1}, "terrible"), TOCSIN_INVALID);
  EXPECT_THAT(source.error, HasSubstr("event 0: "));
  EXPECT_THAT(source.error, HasSubstr("terrible"));
  const auto said = log.lines("it published an event that is not valid");
  ASSERT_EQ(said.size(), 1u) << "an author may not look at what publish() answers";
  EXPECT_THAT(said[0], HasSubstr("terrible"));
  EXPECT_EQ(source.house.publications.size(), 0u);
  EXPECT_EQ(source.publish(2), TOCSIN_OK);
}

TEST(Publish, RefusesASourceThatIsNotOpen) {
  publishing source(2);
  EXPECT_EQ(source.publish(1, 1, {9, 2}), TOCSIN_INVALID);
  EXPECT_THAT(source.error, HasSubstr("no such source"));
}

TEST(Publish, SaysWhyNothingWasTaken) {
  publishing source(2);
  source.house.answer = [](const source_publication&) -> result<publication_result> {
    return fault{"STORE_FULL", "the disk is full", "", {}};
  };
  EXPECT_EQ(source.publish(1), TOCSIN_OK);
  const auto said = source.said.wait(1);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].status, TOCSIN_UNAVAILABLE);
  EXPECT_EQ(said[0].reason, "the disk is full");
}

TEST(Publish, AnswersAllThatWasTakenBeforeThePluginIsStopped) {
  const test::captured_log log;
  publishing source(2);
  source.running->answer_limit = std::chrono::seconds(20);
  std::size_t said_before_stop = 0;
  source.plugin.stop = [&] { said_before_stop = source.said.size(); };
  ASSERT_EQ(source.publish(1, 77), TOCSIN_OK);
  std::thread stops([&] { EXPECT_TRUE(source.running.stop()); });
  // A source that is not open is TOCSIN_INVALID until nothing may be published at all.
  while (source.publish(1, 78, {9, 2}) != TOCSIN_UNAVAILABLE) std::this_thread::yield();
  EXPECT_EQ(source.publish(1, 79), TOCSIN_UNAVAILABLE);
  EXPECT_THAT(source.error, HasSubstr("is being stopped"));
  source.house.answers.at(0)(publication_result{1, 0});
  stops.join();
  EXPECT_EQ(said_before_stop, 1u);
  EXPECT_EQ(log.count("stopped before all"), 0u);
  EXPECT_EQ(source.said.size(), 1u);
}

TEST(Publish, SaysThatAPluginIsStoppedBeforeAllIsAnswered) {
  const test::captured_log log;
  publishing source(2);
  ASSERT_EQ(source.publish(1), TOCSIN_OK);
  ASSERT_TRUE(source.running.stop());
  EXPECT_EQ(log.count("stopped before all that it published is answered"), 1u);
}

TEST(Publish, TakesNothingForAnUnknownSourceWhileAnotherOneOpens) {
  publishing source(2);
  source.running->sources.begin_opening(std::make_shared<open_source_entry>("other", 5));
  EXPECT_EQ(source.publish(1, 1, {9, 2}), TOCSIN_UNAVAILABLE);
  EXPECT_THAT(source.error, HasSubstr("when open() has returned"));
  EXPECT_EQ(source.publish(1, 2), TOCSIN_OK);  // the open one is not touched by it
  ASSERT_EQ(source.house.publications.size(), 1u);
  EXPECT_EQ(source.house.publications.wait(1).at(0).source, "license");
}

TEST(Publish, AnswersNobodyAfterStop) {
  publishing source(2);
  EXPECT_EQ(source.publish(1), TOCSIN_OK);
  ASSERT_TRUE(source.running.stop());
  source.house.answers.at(0)(publication_result{1, 0});
  test::drain(source.running->tasks);
  EXPECT_EQ(source.said.size(), 0u);
}

TEST(SourceTable, LetsASourceReadWhileItOpens) {
  source_table table;
  const auto source = std::make_shared<open_source_entry>("license", 1);
  EXPECT_EQ(table.find({4, 1}), nullptr);
  table.begin_opening(source);
  EXPECT_TRUE(table.is_opening());
  EXPECT_EQ(table.find_or_opening({4, 1}), source);
  EXPECT_EQ(table.find({4, 1}), nullptr);
  ASSERT_TRUE(table.end_opening({4, 1}));
  EXPECT_FALSE(table.is_opening());
  EXPECT_EQ(table.find({4, 1}), source);
  EXPECT_EQ(table.find_or_opening({5, 1}), nullptr);
}

TEST(SourceTable, RefusesANameThatIsNoneOrTaken) {
  source_table table;
  table.begin_opening(std::make_shared<open_source_entry>("a", 1));
  EXPECT_FALSE(table.end_opening({0, 0}));
  table.begin_opening(std::make_shared<open_source_entry>("a", 1));
  EXPECT_TRUE(table.end_opening({1, 1}));
  table.begin_opening(std::make_shared<open_source_entry>("b", 1));
  EXPECT_FALSE(table.end_opening({1, 1}));
  tocsin_token token{};
  EXPECT_TRUE(table.remove("a", token));
  EXPECT_EQ(token.index, 1u);
  EXPECT_FALSE(table.remove("a", token));
}

// Through a real plugin: everything.so publishes a second after it opened.
class real_source {
 public:
  real_source() {
    house.answer = [](const source_publication& what) { return publication_result{what.events.size(), 0}; };
    house.memory["license/step"] = "90";
    host =
        std::make_unique<plugin_host>(house.services(), std::vector{inspect_plugin(test::plugin_path("everything"))});
    host->start(nullptr);
  }
  test::captured_log log;
  fake_house house;
  std::unique_ptr<plugin_host> host;
};

TEST(OpenSource, LetsAPluginRecallAsItOpensAndPublishWhenItIsOpen) {
  real_source real;
  const auto opened = real.host->open_source("everything", {"license", "acme", "{}", 8});
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_EQ(real.log.lines("test remembered").size(), 1u);
  EXPECT_THAT(real.log.lines("test remembered").at(0), HasSubstr("value=90"));
  EXPECT_EQ(real.log.count("test too early"), 1u);
  EXPECT_EQ(real.house.publications.size(), 0u);
  real.house.clock.advance(std::chrono::seconds(1));
  const auto handed_in = real.house.publications.wait(1);
  ASSERT_EQ(handed_in.size(), 1u);
  EXPECT_EQ(handed_in[0].source, "license");
  EXPECT_EQ(handed_in[0].events.at(0).type, "test.opened");
  real.host->close_source("license");
  EXPECT_EQ(real.log.count("test source closed"), 1u);
  real.host->close_source("license");
  EXPECT_EQ(real.log.count("test source closed"), 1u);
}

TEST(OpenSource, SaysWhyASourceDoesNotOpen) {
  real_source real;
  const auto refused = real.host->open_source("everything", {"license", "", R"({"path":"refuse"})", 8});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().to_string(),
            "sources.license: path must not be refuse. Correct the source's settings; "
            "tocsin plugin list shows what is installed.");
  EXPECT_THAT(real.host->open_source("nobody", {"x", "", "{}", 8}).error().what, HasSubstr("\"nobody\" does not run"));
  EXPECT_THAT(real.host->open_source("everything", {"x", "", R"({"a":"nameless"})", 8}).error().what,
              HasSubstr("no name"));
  ASSERT_TRUE(real.host->open_source("everything", {"license", "", "{}", 8}));
  EXPECT_THAT(real.host->open_source("everything", {"license", "", "{}", 8}).error().what, HasSubstr("open already"));
}

TEST(OpenSource, ClosesASourceThatItCannotTakeUnlessAnotherOneBearsItsName) {
  real_source real;
  EXPECT_FALSE(real.host->open_source("everything", {"x", "", R"({"a":"nameless"})", 8}));
  EXPECT_EQ(real.log.count("test source closed"), 1u);
  ASSERT_TRUE(real.host->open_source("everything", {"license", "", "{}", 8}));
  EXPECT_FALSE(real.host->open_source("everything", {"x", "", R"({"a":"taken"})", 8}));
  EXPECT_EQ(real.log.count("test source closed"), 1u);
  real.host->close_source("license");
  EXPECT_EQ(real.log.count("test source closed"), 2u);
}

TEST(OpenSource, FiresThePluginsTimersByTheHostsClock) {
  real_source real;
  ASSERT_TRUE(real.host->open_source("everything", {"license", "", "{}", 8}));
  EXPECT_EQ(real.log.count("test fired"), 0u);
  real.house.clock.advance(std::chrono::milliseconds(999));
  EXPECT_EQ(real.house.clock.timers(), 1u);
  real.house.clock.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(real.house.clock.timers(), 0u);
  EXPECT_TRUE(real.log.wait("test fired"));
  EXPECT_EQ(real.log.count("test fired"), 1u);
}

}  // namespace
}  // namespace tocsin
