#include "core/runtime/clock.hpp"

#include <gtest/gtest.h>

#include <future>
#include <vector>

#include "core/runtime/executor.hpp"
#include "support/manual_clock.hpp"

namespace tocsin {
namespace {

using namespace std::chrono_literals;

TEST(SystemClock, FiresTimersInTheOrderInWhichTheyAreDue) {
  executor pool(1);
  const auto clock = make_system_clock(pool);
  std::promise<void> done;
  std::vector<int> order;
  clock->after(30ms, [&] {
    order.push_back(2);
    done.set_value();
  });
  clock->after(1ms, [&] { order.push_back(1); });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector{1, 2}));
  pool.stop();
}

TEST(SystemClock, CancelsATimerOnce) {
  executor pool(1);
  const auto clock = make_system_clock(pool);
  const auto timer = clock->after(std::chrono::hours{1}, [] { ADD_FAILURE() << "a cancelled timer fired"; });
  EXPECT_TRUE(clock->cancel(timer));
  EXPECT_FALSE(clock->cancel(timer));
  pool.stop();
}

TEST(SystemClock, TakesWaitsOfAnyLength) {
  executor pool(1);
  const auto clock = make_system_clock(pool);
  const auto timer = clock->after(std::chrono::milliseconds::max(), [] {});
  EXPECT_TRUE(clock->cancel(timer));
  pool.stop();
}

TEST(SystemClock, ReadsTheTime) {
  executor pool(1);
  const auto clock = make_system_clock(pool);
  EXPECT_GT(clock->now(), 1'700'000'000'000);
  const auto before = clock->monotonic();
  EXPECT_GE(clock->monotonic(), before);
  pool.stop();
}

TEST(ManualClock, FiresWhatBecomesDueOnTheWay) {
  test::manual_clock clock;
  std::vector<time_ms> fired;
  clock.after(10s, [&] { fired.push_back(clock.now()); });
  clock.after(5s, [&] {
    fired.push_back(clock.now());
    clock.after(1s, [&] { fired.push_back(clock.now()); });
  });
  clock.advance(9s);
  const auto start = test::manual_clock::start_time;
  EXPECT_EQ(fired, (std::vector<time_ms>{start + 5'000, start + 6'000}));
  clock.advance(1s);
  EXPECT_EQ(fired.size(), 3u);
  EXPECT_EQ(clock.now(), start + 10'000);
}

}  // namespace
}  // namespace tocsin
