// The record of calls into plugins: what is seen of one while it lasts, and what a plugin is told of its thread.
#include "core/plugin_host/calls/plugin_call.hpp"

#include "support.hpp"

#include <tocsin/abi/ext/thread_check.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <thread>

namespace tocsin {
namespace {

std::vector<call_record> calls_of(const std::string& plugin) {
  auto calls = calls_under_way();
  std::erase_if(calls, [&](const call_record& call) { return call.plugin.id != plugin; });
  return calls;
}

TEST(PluginCall, NamesTheEventOfADelivery) {
  test::manual_clock clock;
  const plugin_identity who{"eventful", "1.2.3", "abcd"};
  const plugin_call call(who, clock, "channel.deliver", call_thread::worker,
                         {.kind = "delivery", .number = 17, .attempt = 2, .more = 3, .event = "7f"});
  EXPECT_EQ(calls_of("eventful").at(0).about, "delivery 000000000000H, attempt 2, event 7f, and 3 more");
}

TEST(PluginCall, IsKnownAsTheInnermostOnItsThreadOnly) {
  test::manual_clock clock;
  const plugin_identity outer_plugin{"outer", "1.0.0", "ab"};
  const plugin_identity inner_plugin{"inner", "1.0.0", "cd"};
  EXPECT_EQ(plugin_call::innermost(), nullptr);
  const plugin_call outer(outer_plugin, clock, "start", call_thread::control);
  {
    const plugin_call inner(inner_plugin, clock, "timer.fired", call_thread::worker);
    EXPECT_EQ(plugin_call::innermost(), &inner);
  }
  EXPECT_EQ(plugin_call::innermost(), &outer);
  EXPECT_EQ(&plugin_call::innermost()->plugin(), &outer_plugin);
  EXPECT_TRUE(std::async(std::launch::async, [] { return plugin_call::innermost() == nullptr; }).get());
}

TEST(PluginCall, IsSeenWithAllThatIsKnownOfItWhileItLastsAndNotAfter) {
  test::manual_clock clock;
  const plugin_identity who{"seen", "1.2.3", "abcd"};
  {
    const plugin_call call(who, clock, "channel.deliver", call_thread::worker,
                           {.kind = "delivery", .number = 17, .attempt = 2, .more = 3});
    const auto calls = calls_of("seen");
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_EQ(calls[0].plugin.version, "1.2.3");
    EXPECT_EQ(calls[0].plugin.build_id, "abcd");
    EXPECT_EQ(calls[0].call, "channel.deliver");
    EXPECT_EQ(calls[0].begun, clock.monotonic());
    EXPECT_EQ(calls[0].about, "delivery 000000000000H, attempt 2, and 3 more");
    EXPECT_NE(calls[0].thread_id, 0);
  }
  EXPECT_TRUE(calls_of("seen").empty());
}

TEST(PluginCall, IsSeenFromAnotherThreadThanTheOneThatIsInIt) {
  test::manual_clock clock;
  const plugin_identity who{"elsewhere", "1.0.0", {}};
  std::promise<void> inside;
  std::promise<void> leave;
  std::thread caller([&] {
    const plugin_call call(who, clock, "start", call_thread::control);
    inside.set_value();
    leave.get_future().wait();
  });
  inside.get_future().wait();
  const auto calls = calls_of("elsewhere");
  EXPECT_EQ(plugin_call::current(who), nullptr);
  leave.set_value();
  caller.join();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].call, "start");
  EXPECT_EQ(calls[0].about, "");
  EXPECT_TRUE(calls_of("elsewhere").empty());
}

TEST(PluginCall, TheInnermostCallIntoAPluginIsItsCurrentOne) {
  test::manual_clock clock;
  const plugin_identity one{"one", "1.0.0", {}};
  const plugin_identity other{"other", "1.0.0", {}};
  const plugin_call outer(one, clock, "source.open", call_thread::control, {.kind = "source", .name = "license"});
  {
    const plugin_call inner(other, clock, "timer.fired", call_thread::worker);
    EXPECT_EQ(plugin_call::current(one), &outer);
    EXPECT_EQ(plugin_call::current(other), &inner);
    EXPECT_EQ(calls_of("one")[0].about, "source license");
  }
  EXPECT_EQ(plugin_call::current(other), nullptr);
  EXPECT_EQ(plugin_call::current(one), &outer);
}

TEST(PluginCall, ThreadCheckTellsControlCallsFromThreadsOfThePluginsOwn) {
  test::fake_house house;
  test::fake_plugin plugin;
  tocsin_thread_kind in_start = 99;
  plugin.start = [&](const tocsin_sink*) {
    in_start = plugin.of_host<tocsin_host_thread_check>(TOCSIN_HOST_THREAD_CHECK).current(plugin.host->context);
    return TOCSIN_OK;
  };
  test::running_plugin running(house, plugin);
  EXPECT_EQ(in_start, TOCSIN_THREAD_CONTROL);
  const auto& check = plugin.of_host<tocsin_host_thread_check>(TOCSIN_HOST_THREAD_CHECK);
  EXPECT_EQ(check.current(plugin.host->context), TOCSIN_THREAD_OTHER);
  EXPECT_TRUE(calls_of("fake").empty());
}

}  // namespace
}  // namespace tocsin
