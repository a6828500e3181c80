// What a plugin throws across the binary interface ends at the host and is reported with the call.
#include "core/plugin_host/calls/guarded_call.hpp"

#include "core/plugin_host/calls/channel_adapter.hpp"
#include "core/plugin_host/calls/subscriber_call.hpp"
#include "core/plugin_host/plugin_lifetime.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace tocsin {
namespace {

using test::fake_house;
using test::fake_plugin;
using test::running_plugin;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* thrown = "it threw an exception across the binary interface";

auto reports(std::string_view call) {
  return AllOf(HasSubstr("plugin=fake version=1.0.0 build="), HasSubstr("call=" + std::string(call) + " "),
               HasSubstr(thrown), HasSubstr("out of paper"));
}

TEST(GuardedCall, ReportsWhatIsThrownAndThatIsNoException) {
  test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  EXPECT_TRUE(guarded_call(*running, "some.call", {}, [] {}));
  EXPECT_FALSE(guarded_call(*running, "some.call", {}, [] { throw 7; }));
  EXPECT_FALSE(guarded_call(*running, "some.call", {.kind = "delivery", .number = 17, .event = "license-7"},
                            [] { throw std::runtime_error("out\nof\x01 paper"); }));
  const auto lines = log.lines(thrown);
  ASSERT_EQ(2u, lines.size());
  EXPECT_THAT(lines[0], HasSubstr("no std::exception"));
  EXPECT_THAT(lines[1], HasSubstr("out of  paper"));
  EXPECT_THAT(lines[1], HasSubstr("event license-7"));
  EXPECT_EQ(nullptr, plugin_call::current(running->identity)) << "the record of the call is gone";
}

TEST(GuardedCall, ATimerThatThrowsFiresAgain) {
  test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  plugin.fired = [](std::uint64_t) { throw std::runtime_error("out of paper"); };
  const auto& timers = plugin.of_host<tocsin_host_timer>(TOCSIN_HOST_TIMER);
  for (int count = 0; count < 2; ++count) {
    timers.start(plugin.host->context, 1, 10);
    house.clock.advance(std::chrono::milliseconds(10));
    test::drain(running->tasks);
  }
  const auto lines = log.lines(thrown);
  ASSERT_EQ(2u, lines.size());
  EXPECT_THAT(lines[0], reports("timer.fired"));
}

TEST(GuardedCall, ASourceThatThrowsInPublishedHasItsCreditBack) {
  test::captured_log log;
  fake_house house;
  house.answer = [](const source_publication&) { return publication_result{1, 0}; };
  fake_plugin plugin;
  running_plugin running(house, plugin);
  running->sources.begin_opening(std::make_shared<open_source_entry>("license", 1));
  ASSERT_TRUE(running->sources.end_opening({9, 1}));
  plugin.published = [](tocsin_token, std::uint64_t, const tocsin_publish_result&) {
    throw std::runtime_error("out of paper");
  };
  const auto& table = plugin.of_host<tocsin_host_publish>(TOCSIN_HOST_PUBLISH);
  const tocsin_field memory{test::text("step"), test::text("30")};
  for (int count = 0; count < 2; ++count) {
    EXPECT_EQ(TOCSIN_OK, table.publish(plugin.host->context, {9, 1}, 1, nullptr, 0, &memory, 1, nullptr));
    test::drain(running->tasks);
  }
  const auto lines = log.lines(thrown);
  ASSERT_EQ(2u, lines.size());
  EXPECT_THAT(lines[0], reports("source.published"));
}

TEST(GuardedCall, AThrowOutOfAControlCallIsReportedAndFailsIt) {
  test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  plugin.open = [](const tocsin_endpoint&, tocsin_endpoint_info&, const tocsin_sink*) -> tocsin_status {
    throw std::runtime_error("out of paper");
  };
  plugin.cancel = [](std::span<const tocsin_token>) { throw std::runtime_error("out of paper"); };
  channel_adapter channel(*running);
  const auto opened = channel.open(endpoint_settings{});
  ASSERT_FALSE(opened);
  EXPECT_EQ("PLUGIN_FAILED", opened.error().code);
  EXPECT_THAT(opened.error().what, HasSubstr("threw an exception in channel.open()"));
  channel.cancel(std::vector{test::message_to("a", 1)});
  const auto lines = log.lines(thrown);
  ASSERT_EQ(2u, lines.size());
  EXPECT_THAT(lines[0], reports("channel.open"));
  EXPECT_THAT(lines[1], reports("channel.cancel"));
}

TEST(GuardedCall, APluginThatThrewInItsStartIsNeitherCalledNorHeardAnyMore) {
  test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  const auto publish = [&plugin] {
    const tocsin_event nothing{};
    const tocsin_event* one = &nothing;
    const auto& table = plugin.of_host<tocsin_host_publish>(TOCSIN_HOST_PUBLISH);
    return table.publish(plugin.host->context, {0, 0}, 1, &one, 1, nullptr, 0, nullptr);
  };
  int fired = 0;
  plugin.fired = [&fired](std::uint64_t) { ++fired; };
  plugin.start = [&](const tocsin_sink*) -> tocsin_status {
    plugin.of_host<tocsin_host_timer>(TOCSIN_HOST_TIMER).start(plugin.host->context, 1, 10);
    throw std::runtime_error("out of paper");
  };
  const code_table codes;
  plugin_instance& instance = make_instance(plugin.manifest(), house.services(), codes);
  ASSERT_TRUE(create_plugin(instance, plugin.entry()));
  const tocsin_host* const host = plugin.host;
  const auto started = start_plugin(instance, {});
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().what, HasSubstr("threw an exception in start()"));
  EXPECT_FALSE(instance.running);
  EXPECT_FALSE(instance.into_plugin.is_open());
  EXPECT_FALSE(instance.publications.is_open());
  EXPECT_FALSE(instance.into_host.is_open());
  ASSERT_EQ(plugin.host, host);
  EXPECT_NE(publish(), TOCSIN_OK);
  house.clock.advance(std::chrono::milliseconds(10));
  test::drain(instance.tasks);
  EXPECT_EQ(fired, 0);
  instance.control_calls.end();
}

}  // namespace
}  // namespace tocsin
