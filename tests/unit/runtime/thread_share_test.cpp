// A share of the pool: no more at once than it has, and each waits its turn.
#include "core/runtime/thread_share.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <vector>

namespace tocsin {
namespace {

TEST(ThreadShare, LetsInNoMoreThanItHas) {
  executor pool(1);
  thread_share share(pool, 2);
  EXPECT_TRUE(share.enter());
  EXPECT_TRUE(share.enter());
  EXPECT_FALSE(share.enter());
  share.leave();
  EXPECT_TRUE(share.enter());
  pool.stop();
}

TEST(ThreadShare, HasAtLeastOneThread) {
  executor pool(1);
  thread_share share(pool, 0);
  EXPECT_TRUE(share.enter());
  pool.stop();
}

TEST(ThreadShare, RunsWhatWaitsInItsOrderOnceAThreadIsFree) {
  executor pool(4);
  thread_share share(pool, 1);
  ASSERT_TRUE(share.enter());
  std::vector<int> ran;
  std::promise<void> all;
  for (int number = 0; number < 100; ++number) {
    share.post([&, number] {
      ran.push_back(number);  // one at a time, or this is a race
      if (number == 99) all.set_value();
    });
  }
  EXPECT_TRUE(ran.empty());
  share.leave();
  all.get_future().wait();
  pool.stop();
  ASSERT_EQ(100u, ran.size());
  for (int number = 0; number < 100; ++number) EXPECT_EQ(number, ran[static_cast<std::size_t>(number)]);
}

TEST(ThreadShare, ForgetsWhatWaitsAndRunsWhatComesAfter) {
  executor pool(2);
  thread_share share(pool, 1);
  ASSERT_TRUE(share.enter());
  const auto held = std::make_shared<int>(0);  // as a request's body is
  for (int number = 0; number < 3; ++number) share.post([held] { ++*held; });
  EXPECT_EQ(4, held.use_count());
  share.drop_waiting();
  EXPECT_EQ(1, held.use_count()) << "what they held is free at once";
  std::promise<void> after;
  share.post([&] { after.set_value(); });
  share.leave();
  after.get_future().wait();
  EXPECT_EQ(0, *held);
  pool.stop();
}

TEST(ThreadShare, LeavesTheOtherThreadsToOthers) {
  executor pool(2);
  thread_share share(pool, pool.threads() / 2);
  std::promise<void> block;
  const auto blocked = block.get_future().share();
  for (int number = 0; number < 10; ++number) share.post([blocked] { blocked.wait(); });
  std::promise<void> other;
  pool.post([&] { other.set_value(); });
  other.get_future().wait();
  block.set_value();
  pool.stop();
}

}  // namespace
}  // namespace tocsin
