// tocsin.health/1: what a plugin says of itself, when it is asked, and what is logged.
#include "core/plugin_host/calls/plugin_health.hpp"

#include "sdk_plugin.hpp"

#include <tocsin/sdk/health.hpp>

#include <gtest/gtest.h>

#include <latch>
#include <thread>

namespace tocsin {
namespace {

class moody_plugin : public sdk::plugin, public sdk::health {
 public:
  using plugin::plugin;
  sdk::health_report check_health() override {
    ++asked;
    return answer();
  }
  std::function<sdk::health_report()> answer = [] { return sdk::health_report::good(); };
  std::atomic<int> asked{0};
};

struct watched_house {
  watched_house() : plugin(house, {TOCSIN_EXT_HEALTH}) {}
  std::vector<plugin_health> changes(std::size_t count) { return seen.wait(count); }
  void turn(std::chrono::milliseconds by) { house.clock.advance(by); }
  // A question that comes while the one before is being answered is not asked: the clock goes on until it is.
  void turn_until_asked(int times) {
    while (plugin.object().asked < times) {
      turn(std::chrono::seconds{15});
      std::this_thread::yield();
    }
  }

  test::captured_log log;
  test::fake_house house;
  test::gathered<plugin_health> seen;
  test::running_sdk_plugin<moody_plugin> plugin;
  health_monitor monitor{house.pool, house.clock,
                         [this](plugin_instance&, const plugin_health& now) { seen.add(now); }};
};

TEST(PluginHealth, IsAskedWhenThePluginComesUpAndThatAllIsWellIsNoNews) {
  watched_house at;
  at.monitor.add(at.plugin.instance());
  EXPECT_EQ(at.changes(1), std::vector{plugin_health{}});
  EXPECT_EQ(at.log.count("plugin health"), 0u);
}

TEST(PluginHealth, IsAskedEveryFifteenSecondsAndAChangeIsLoggedOnce) {
  watched_house at;
  std::atomic<bool> worn{false};
  at.plugin.object().answer = [&worn] {
    return worn ? sdk::health_report::degraded("The list is 3 days old.") : sdk::health_report::good();
  };
  at.monitor.add(at.plugin.instance());
  ASSERT_EQ(at.changes(1).size(), 1u);
  EXPECT_EQ(at.plugin.object().asked, 1);
  at.turn(std::chrono::seconds{14});
  EXPECT_EQ(at.plugin.object().asked, 1);
  worn = true;
  at.turn(std::chrono::seconds{1});
  const plugin_health degraded{health_state::degraded, "The list is 3 days old."};
  ASSERT_EQ(at.changes(2).size(), 2u);
  EXPECT_EQ(at.changes(2).back(), degraded);
  at.turn_until_asked(4);
  EXPECT_EQ(at.seen.size(), 2u) << "the same answer is no change";
  worn = false;
  at.turn_until_asked(6);  // the fifth may have begun before
  ASSERT_EQ(at.changes(3).size(), 3u);
  EXPECT_EQ(at.changes(3).back(), plugin_health{});
  EXPECT_EQ(at.log.count("plugin health"), 2u);
  EXPECT_EQ(at.log.count("health=degraded"), 1u);
  EXPECT_EQ(at.log.count("health=good"), 1u);
}

TEST(PluginHealth, IsAskedAtOnceWhenSomebodyWantsToKnowUnlessTheAnswerIsFresh) {
  watched_house at;
  at.monitor.add(at.plugin.instance());
  ASSERT_EQ(at.changes(1).size(), 1u);
  at.plugin.object().answer = [] { return sdk::health_report::failing("The card is out."); };
  at.monitor.refresh();
  at.turn(health_monitor::fresh_for);
  at.monitor.refresh();
  ASSERT_EQ(at.changes(2).size(), 2u);
  EXPECT_EQ(at.changes(2).back(), (plugin_health{health_state::failing, "The card is out."}));
  EXPECT_EQ(at.plugin.object().asked, 2);
}

TEST(PluginHealth, IsNotAskedAgainWhileItHasNotAnswered) {
  watched_house at;
  std::latch let_go(1), inside(1);
  at.plugin.object().answer = [&] {
    inside.count_down();
    let_go.wait();
    return sdk::health_report::good();
  };
  at.monitor.add(at.plugin.instance());
  inside.wait();
  at.turn(std::chrono::seconds{15});
  at.monitor.refresh();
  let_go.count_down();
  ASSERT_EQ(at.changes(1).size(), 1u);
  EXPECT_EQ(at.plugin.object().asked, 1);
}

TEST(PluginHealth, AnUnknownStateAndAnExceptionAreFailing) {
  watched_house at;
  at.plugin.object().answer = [] { return sdk::health_report{77, ""}; };
  EXPECT_EQ(ask_for_health(at.plugin.instance()), (plugin_health{health_state::failing, "It gave no reason."}));
  at.plugin.object().answer = []() -> sdk::health_report { throw std::runtime_error("The\nspool is full."); };
  EXPECT_EQ(ask_for_health(at.plugin.instance()), (plugin_health{health_state::failing, "The spool is full."}));
}

TEST(PluginHealth, IsNotAskedOfAPluginThatHasStopped) {
  watched_house at;
  ASSERT_TRUE(at.plugin.stop());
  EXPECT_EQ(ask_for_health(at.plugin.instance()), std::nullopt);
}

}  // namespace
}  // namespace tocsin
