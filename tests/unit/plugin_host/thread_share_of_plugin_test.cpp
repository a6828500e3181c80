// A plugin that is slow in deliver() holds its share of the pool's threads and no more.
#include "core/plugin_host/calls/channel_adapter.hpp"

#include "sdk_plugin.hpp"

#include <tocsin/sdk/channel.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace tocsin {
namespace {

constexpr std::uint64_t endpoints = 16;

class waiting_channel : public sdk::plugin, public sdk::channel {
 public:
  using plugin::plugin;

  sdk::opened_endpoint open(const sdk::endpoint&) override { return {}; }
  void close(sdk::token) override {}
  void deliver(const sdk::message& message) override {
    most = std::max(most.load(), ++inside);
    if (go_on.valid()) go_on.wait();
    --inside;
    host().complete(message.delivery(), sdk::outcome::delivered());
  }

  std::shared_future<void> go_on;  // not valid: at once
  std::atomic<int> inside{0}, most{0};
};

using running_channel = test::running_sdk_plugin<waiting_channel>;

outgoing_message message_for(std::uint64_t endpoint, std::int64_t delivery) {
  auto message = test::message_to("somebody", delivery);
  message.endpoint = {endpoint, 1};
  return message;
}

// On a thread of the pool, as the dispatcher does it.
void deliver(test::fake_house& house, const std::shared_ptr<channel_adapter>& channel, outgoing_message message) {
  house.pool.post([channel, message = std::move(message)] { channel->deliver(std::span(&message, 1)); });
}

TEST(ShareOfThePool, APluginThatBlocksInDeliverLeavesThreadsToTheOthers) {
  std::promise<void> release;
  test::fake_house house;  // two threads
  running_channel slow(house, {TOCSIN_EXT_CHANNEL});
  running_channel quick(house, {TOCSIN_EXT_CHANNEL});
  slow.object().go_on = release.get_future().share();
  const auto slow_channel = std::make_shared<channel_adapter>(slow.instance());
  const auto quick_channel = std::make_shared<channel_adapter>(quick.instance());
  for (std::uint64_t endpoint = 1; endpoint <= endpoints; ++endpoint)
    deliver(house, slow_channel, message_for(endpoint, static_cast<std::int64_t>(endpoint)));
  for (std::uint64_t endpoint = 1; endpoint <= endpoints; ++endpoint)
    deliver(house, quick_channel, message_for(endpoint, static_cast<std::int64_t>(100 + endpoint)));
  const auto first = house.outcomes.wait(endpoints);
  EXPECT_EQ(endpoints, first.size());
  for (const outcome& one : first) EXPECT_GT(static_cast<std::int64_t>(one.delivery), 100);
  release.set_value();
  EXPECT_EQ(2 * endpoints, house.outcomes.wait(2 * endpoints).size());
  EXPECT_EQ(1, slow.object().most) << "half of two threads";
}

TEST(ShareOfThePool, WhatWaitsForAThreadIsHandedInInItsOrderForEachEndpoint) {
  std::promise<void> release;
  test::fake_house house;
  running_channel slow(house, {TOCSIN_EXT_CHANNEL});
  slow.object().go_on = release.get_future().share();
  const auto channel = std::make_shared<channel_adapter>(slow.instance());
  deliver(house, channel, message_for(1, 1));
  while (slow.object().inside == 0) std::this_thread::yield();
  for (std::int64_t delivery = 2; delivery <= 50; ++delivery) {
    const auto message = message_for(2, delivery);
    channel->deliver(std::span(&message, 1));  // returns at once: there is no thread for it
  }
  release.set_value();
  const auto all = house.outcomes.wait(50);
  ASSERT_EQ(50u, all.size());
  for (std::int64_t delivery = 1; delivery <= 50; ++delivery)
    EXPECT_EQ(delivery, static_cast<std::int64_t>(all[static_cast<std::size_t>(delivery - 1)].delivery));
}

TEST(ShareOfThePool, WhatWaitsForAThreadIsGivenBackWhenThePluginHangs) {
  std::promise<void> release;
  test::fake_house house;
  running_channel slow(house, {TOCSIN_EXT_CHANNEL});
  slow.object().go_on = release.get_future().share();
  const auto channel = std::make_shared<channel_adapter>(slow.instance());
  deliver(house, channel, message_for(1, 1));
  while (slow.object().inside == 0) std::this_thread::yield();
  const auto waiting = message_for(2, 2);
  channel->deliver(std::span(&waiting, 1));
  slow.instance().hangs("channel.deliver", "delivery 1", std::chrono::seconds(5));
  channel->plugin_hangs();
  const auto later = message_for(3, 3);
  channel->deliver(std::span(&later, 1));
  const auto back = house.outcomes.wait(2);
  ASSERT_EQ(2u, back.size());
  for (const outcome& one : back) EXPECT_EQ("PLUGIN_HUNG", one.code);
  release.set_value();
}

}  // namespace
}  // namespace tocsin
