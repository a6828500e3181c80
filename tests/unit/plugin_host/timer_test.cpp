// Timers of a plugin, on the host's clock and the plugin's queue.
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace tocsin {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

class timing {
 public:
  timing() : running(house, plugin) {
    plugin.fired = [this](std::uint64_t id) { fired.push_back(id); };
  }
  void start(std::uint64_t id, std::uint64_t delay) { table().start(plugin.host->context, id, delay); }
  void cancel(std::uint64_t id) { table().cancel(plugin.host->context, id); }
  void advance(int by) {
    house.clock.advance(milliseconds(by));
    test::drain(running->tasks);
  }

  test::captured_log log;
  test::fake_house house;
  test::fake_plugin plugin;
  test::running_plugin running;
  std::vector<std::uint64_t> fired;  // read after drain()

 private:
  const tocsin_host_timer& table() { return plugin.of_host<tocsin_host_timer>(TOCSIN_HOST_TIMER); }
};

TEST(Timer, FiresOnceWhenItsTimeHasCome) {
  timing time;
  time.start(3, 100);
  time.advance(99);
  EXPECT_TRUE(time.fired.empty());
  time.advance(1);
  EXPECT_THAT(time.fired, ElementsAre(3));
  time.advance(1000);
  EXPECT_THAT(time.fired, ElementsAre(3));
}

TEST(Timer, IsSetAnewByAnotherStart) {
  timing time;
  time.start(3, 100);
  time.advance(50);
  time.start(3, 100);
  EXPECT_EQ(time.house.clock.timers(), 1u);
  time.advance(99);
  EXPECT_TRUE(time.fired.empty());
  time.advance(1);
  EXPECT_THAT(time.fired, ElementsAre(3));
}

TEST(Timer, DoesNotFireAfterItWasCancelled) {
  timing time;
  time.start(3, 100);
  time.start(4, 100);
  time.cancel(3);
  time.cancel(99);
  time.advance(100);
  EXPECT_THAT(time.fired, ElementsAre(4));
}

TEST(Timer, DoesNotFireIfItIsCancelledBetweenItsTimeAndItsTurn) {
  timing time;
  std::promise<void> held;
  time.running->tasks.post([&] { held.get_future().wait(); });
  time.start(3, 100);
  time.start(4, 100);
  time.house.clock.advance(milliseconds(100));
  time.cancel(3);
  held.set_value();
  time.advance(0);
  EXPECT_THAT(time.fired, ElementsAre(4));
}

TEST(Timer, MayBeStartedWhileThePluginStarts) {
  test::fake_house house;
  test::fake_plugin plugin;
  test::gathered<std::uint64_t> fired;
  plugin.fired = [&](std::uint64_t id) { fired.add(id); };
  plugin.start = [&](const tocsin_sink*) {
    plugin.of_host<tocsin_host_timer>(TOCSIN_HOST_TIMER).start(plugin.host->context, 8, 0);
    house.clock.advance(milliseconds(1));
    return TOCSIN_OK;
  };
  test::running_plugin running(house, plugin);
  EXPECT_THAT(fired.wait(1), ElementsAre(8));
}

TEST(Timer, IsGoneAfterStop) {
  timing time;
  time.start(3, 100);
  std::promise<void> held;
  time.start(4, 10);
  time.running->tasks.post([&] { held.get_future().wait(); });
  time.house.clock.advance(milliseconds(10));  // 4 waits in the queue
  ASSERT_TRUE(time.running.stop());
  held.set_value();
  time.advance(1000);
  EXPECT_TRUE(time.fired.empty());
  EXPECT_EQ(time.house.clock.timers(), 0u);
}

TEST(Timer, StopWaitsForTheCallThatIsUnderWay) {
  timing time;
  std::promise<void> entered, go_on;
  bool left = false;
  time.plugin.fired = [&](std::uint64_t) {
    entered.set_value();
    go_on.get_future().wait();
    left = true;
  };
  bool left_before_stop = false;
  time.plugin.stop = [&] { left_before_stop = left; };
  time.start(1, 0);
  time.house.clock.advance(milliseconds(0));
  entered.get_future().wait();
  std::thread releaser([&] {
    while (time.running->into_plugin.is_open()) std::this_thread::yield();
    go_on.set_value();
  });
  EXPECT_TRUE(time.running.stop());
  releaser.join();
  EXPECT_TRUE(left_before_stop);
}

TEST(Clock, ShowsTheHostsTime) {
  timing time;
  const auto& clock = time.plugin.of_host<tocsin_host_clock>(TOCSIN_HOST_CLOCK);
  const auto before = clock.monotonic_ns(time.plugin.host->context);
  EXPECT_EQ(clock.now_ms(time.plugin.host->context), test::manual_clock::start_time);
  time.advance(5);
  EXPECT_EQ(clock.now_ms(time.plugin.host->context), test::manual_clock::start_time + 5);
  EXPECT_EQ(clock.monotonic_ns(time.plugin.host->context) - before, 5'000'000u);
}

TEST(Timer, NeedsTheTimerExtensionInTheManifest) {
  test::captured_log log;
  test::fake_house house;
  test::fake_plugin plugin;
  plugin.provides = {};
  test::running_plugin running(house, plugin);
  plugin.of_host<tocsin_host_timer>(TOCSIN_HOST_TIMER).start(plugin.host->context, 1, 0);
  EXPECT_EQ(house.clock.timers(), 0u);
  EXPECT_EQ(log.count("it started a timer, but its manifest does not provide"), 1u);
}

}  // namespace
}  // namespace tocsin
