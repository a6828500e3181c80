// Bus and dispatcher on the real store: everything that is accepted is delivered, over a restart, too.
#include "core/store/sqlite_store.hpp"

#include "tests/unit/bus/bus_house.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

class BusWithStoreTest : public testing::Test {
 protected:
  BusWithStoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-bus-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~BusWithStoreTest() override { std::filesystem::remove_all(folder); }

  std::unique_ptr<store> open() {
    auto opened = open_sqlite_store(folder, "host.test");
    if (!opened) throw std::runtime_error(opened.error().to_string());
    return *std::move(opened);
  }

  static std::uint64_t count(store& from, delivery_state state) {
    std::promise<state_counts> counted;
    from.counts(std::nullopt, [&](result<state_counts> found) { counted.set_value(*found); });
    return counted.get_future().get()[static_cast<std::size_t>(state)];
  }

  static bool reaches(store& from, delivery_state state, std::uint64_t wanted) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (count(from, state) != wanted) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::filesystem::path folder;
};

void configure(bus_house& house) {
  house.settings->add("email", 1);
  house.settings->add_own("email", "acme", 2);
  house.settings->retry_value = {1ms, 4ms, 72h};
  house.settings->routes_value = {bus_house::make_route()};
  house.channel->slots = 8;
}

TEST_F(BusWithStoreTest, EverythingThatIsAcceptedIsDelivered) {
  constexpr int publishers = 4;
  constexpr int each = 100;
  executor pool(2);
  const auto clock = make_system_clock(pool);
  const auto store = open();
  bus_house house(*store, *clock, pool);
  configure(house);
  std::atomic<int> attempts = 0;
  house.channel->say([&](const outgoing_message&) -> std::optional<outcome> {
    return ++attempts % 5 == 0 ? fake_channel::ended(outcome_class::transient, "TCP_REFUSED")
                               : fake_channel::ended(outcome_class::delivered, "OK", "250 Ok");
  });
  house.start();
  std::vector<std::thread> threads;
  for (int publisher = 0; publisher < publishers; ++publisher) {
    threads.emplace_back([&, publisher] {
      for (int i = 0; i < each; ++i) {
        const auto id = std::to_string(publisher * each + i);
        ASSERT_TRUE(house.publish({bus_house::make_event(id, "tocsin.test", i % 2 == 0 ? "acme" : "")}));
      }
    });
  }
  for (auto& one : threads) one.join();
  EXPECT_TRUE(reaches(*store, delivery_state::delivered, publishers * each));
  house.stop();
  store->close();
  pool.stop();
  std::set<std::string> message_ids;
  for (const auto& message : house.channel->seen()) message_ids.insert(message.message_id);
  EXPECT_EQ(message_ids.size(), static_cast<std::size_t>(publishers * each));
  EXPECT_EQ(house.channel->breaches(), std::vector<std::string>());
}

TEST_F(BusWithStoreTest, WhatWaitedAtAStopIsDeliveredAfterTheStart) {
  {
    executor pool(1);
    const auto clock = make_system_clock(pool);
    const auto store = open();
    bus_house house(*store, *clock, pool);
    configure(house);
    house.settings->retry_value = {1h, 1h, 72h};
    house.channel->say([](const auto&) { return std::nullopt; });
    house.start();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(house.publish({bus_house::make_event(std::to_string(i))}));
    house.bus->stop({});
    store->close();  // as in a crash: eight are in the channel's hands
    pool.stop();
  }
  executor pool(1);
  const auto clock = make_system_clock(pool);
  const auto store = open();
  bus_house house(*store, *clock, pool);
  configure(house);
  house.start();
  EXPECT_TRUE(reaches(*store, delivery_state::delivered, 30));
  house.stop();
  std::promise<std::vector<delivery_record>> listed;
  store->list({}, [&](result<std::vector<delivery_record>> found) { listed.set_value(*found); });
  std::size_t uncertain = 0;
  for (const auto& one : listed.get_future().get()) {
    uncertain += one.uncertain;
    EXPECT_TRUE(one.message_id.ends_with("@host.test"));
  }
  EXPECT_EQ(uncertain, 8u);
  store->close();
  pool.stop();
}

}  // namespace
}  // namespace tocsin::test
