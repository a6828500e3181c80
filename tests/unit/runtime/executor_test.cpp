#include "core/runtime/executor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace tocsin {
namespace {

TEST(Executor, RunsTasks) {
  executor pool(2);
  std::latch done(100);
  for (int n = 0; n < 100; ++n) pool.post([&done] { done.count_down(); });
  done.wait();
  pool.stop();
}

TEST(Executor, DropsTasksAfterStop) {
  executor pool(1);
  pool.stop();
  bool ran = false;
  pool.post([&ran] { ran = true; });
  EXPECT_FALSE(ran);
}

TEST(SerialQueue, RunsTasksInOrderAndOneAtATime) {
  executor pool(4);
  serial_queue queue(pool);
  std::vector<int> order;  // unguarded on purpose: only one task runs at a time
  std::latch done(1'000);
  for (int n = 0; n < 1'000; ++n)
    queue.post([&order, &done, n] {
      order.push_back(n);
      done.count_down();
    });
  done.wait();
  ASSERT_EQ(order.size(), 1'000u);
  for (int n = 0; n < 1'000; ++n) EXPECT_EQ(order[static_cast<std::size_t>(n)], n);
  pool.stop();
}

TEST(SerialQueue, TakesTasksFromManyThreads) {
  executor pool(4);
  serial_queue queue(pool);
  int count = 0;
  std::latch done(4'000);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int n = 0; n < 1'000; ++n)
          queue.post([&] {
            ++count;
            done.count_down();
          });
      });
  }
  done.wait();
  EXPECT_EQ(count, 4'000);
  pool.stop();
}

}  // namespace
}  // namespace tocsin
