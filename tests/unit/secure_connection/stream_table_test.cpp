// The table of streams: names, late tokens, wakes.
#include "plugins/services/secure_connection/stream_table.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace tocsin::secure_connection {
namespace {

TEST(StreamTable, FindsWhatWasPut) {
  stream_table<int> table;
  const auto name = table.reserve();
  ASSERT_TRUE(name);
  table.put(*name, std::make_shared<int>(7));
  ASSERT_NE(table.find(*name), nullptr);
  EXPECT_EQ(*table.find(*name), 7);
  EXPECT_EQ(table.size(), 1u);
}

TEST(StreamTable, ALateNameFindsNothingInAPlaceThatIsUsedAgain) {
  stream_table<int> table;
  const auto old = table.reserve();
  table.put(*old, std::make_shared<int>(1));
  table.remove(*old);
  const auto fresh = table.reserve();
  table.put(*fresh, std::make_shared<int>(2));
  EXPECT_EQ(fresh->place, old->place);
  EXPECT_EQ(table.find(*old), nullptr);
  EXPECT_FALSE(table.request_wake(*old));
  EXPECT_TRUE(table.request_wake(*fresh)) << "a late wake took nothing from it";
}

TEST(StreamTable, FindsNothingUnderNamesThatNeverWere) {
  stream_table<int> table;
  EXPECT_EQ(table.find({0, 0}), nullptr);
  EXPECT_EQ(table.find({5, 1}), nullptr);
  EXPECT_EQ(table.find({~0ull, 1}), nullptr);
  EXPECT_FALSE(table.request_wake({~0ull, 1}));
}

TEST(StreamTable, JoinsWakesThatCameBeforeTheAnswer) {
  stream_table<int> table;
  const auto name = table.reserve();
  table.put(*name, std::make_shared<int>(1));
  EXPECT_TRUE(table.request_wake(*name));
  EXPECT_FALSE(table.request_wake(*name));
  table.take_wake(*name);
  EXPECT_TRUE(table.request_wake(*name));
}

TEST(StreamTable, TakesMoreThanOneBlock) {
  stream_table<int> table;
  std::vector<stream_table<int>::name> names;
  for (int at = 0; at < 1000; ++at) {
    names.push_back(*table.reserve());
    table.put(names.back(), std::make_shared<int>(at));
  }
  for (int at = 0; at < 1000; ++at) EXPECT_EQ(*table.find(names[static_cast<std::size_t>(at)]), at);
  EXPECT_EQ(table.all().size(), 1000u);
}

TEST(StreamTable, IsReservedFromManyThreads) {
  stream_table<int> table;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&table] {
      for (int at = 0; at < 500; ++at) table.put(*table.reserve(), std::make_shared<int>(at));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(table.size(), 2000u);
}

}  // namespace
}  // namespace tocsin::secure_connection
