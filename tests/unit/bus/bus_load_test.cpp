// Many publishers at a time, and a channel that answers as it likes: nothing is lost, no slot leaks.
#include "tests/support/fake_store.hpp"
#include "tests/unit/bus/bus_house.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

// Answers from a thread of its own, in random order; now and then with a failure.
class answering_thread {
 public:
  answering_thread(fake_channel& channel, std::uint32_t seed) : channel_(channel), random_(seed) {
    channel_.say([this](const outgoing_message& message) { return take(message); });
    thread_ = std::thread([this] { run(); });
  }
  ~answering_thread() {
    end_ = true;
    thread_.join();
  }

 private:
  std::optional<outcome> take(const outgoing_message& message) {
    const std::lock_guard lock(mutex_);
    auto how = fake_channel::ended(outcome_class::delivered, "OK");
    switch (random_() % 8) {
      case 0:
        how = fake_channel::ended(outcome_class::transient, "TCP_REFUSED");
        break;
      case 1:
        how = fake_channel::ended(outcome_class::uncertain, "SERVER_CLOSED");
        break;
      case 2:
        how = fake_channel::ended(outcome_class::returned, "");
        break;
      default:
        break;
    }
    how.delivery = message.delivery;
    how.attempt = message.attempt;
    if (random_() % 4 == 0) return how;  // at once, from within deliver()
    waiting_.push_back(how);
    return std::nullopt;
  }

  void run() {
    while (!end_) {
      std::vector<outcome> some;
      {
        const std::lock_guard lock(mutex_);
        std::shuffle(waiting_.begin(), waiting_.end(), random_);
        const auto n = waiting_.empty() ? 0 : 1 + random_() % waiting_.size();
        some.assign(waiting_.end() - static_cast<std::ptrdiff_t>(n), waiting_.end());
        waiting_.resize(waiting_.size() - n);
      }
      for (const auto& one : some) channel_.forget(one.delivery);
      if (some.empty()) {
        std::this_thread::yield();
      } else {
        channel_.complete(std::move(some));
      }
    }
  }

  fake_channel& channel_;
  std::mutex mutex_;
  std::mt19937 random_;
  std::vector<outcome> waiting_;
  std::atomic<bool> end_ = false;
  std::thread thread_;
};

TEST(BusLoad, ManyPublishersAndARandomChannelLoseNothingAndLeakNoSlot) {
  constexpr int publishers = 4;
  constexpr int each = 150;
  executor pool(2);
  const auto clock = make_system_clock(pool);
  fake_store store;
  bus_house house(store, *clock, pool);
  house.settings->add("email", 1);
  house.settings->add("chat", 2);
  house.settings->add_own("email", "org1", 3);
  house.settings->add_view("email", "org2", 4, 1);
  house.settings->retry_value = {1ms, 4ms, 72h};
  auto second = bus_house::make_route("chat", "chat@example.org");
  second.name = "chat";
  house.settings->routes_value = {bus_house::make_route(), second};
  house.channel->slots = 5;
  auto answers = std::make_unique<answering_thread>(*house.channel, 4711);
  house.start();

  std::atomic<int> accepted = 0, duplicates = 0;
  std::vector<std::thread> threads;
  for (int publisher = 0; publisher < publishers; ++publisher) {
    threads.emplace_back([&, publisher] {
      std::mt19937 random(static_cast<std::uint32_t>(publisher));
      for (int i = 0; i < each; ++i) {
        // Every third is another publisher's, too.
        const auto id = i % 3 == 0 ? "shared " + std::to_string(i) : std::to_string(publisher * each + i);
        const auto organization = i % 3 == 0 ? std::string() : "org" + std::to_string(random() % 4);
        const auto answered = house.publish({bus_house::make_event(id, "tocsin.test", organization)});
        ASSERT_TRUE(answered);
        ++((*answered)[0].duplicate ? duplicates : accepted);
      }
    });
  }
  std::atomic<bool> publishing = true;
  std::thread changer([&] {
    while (publishing) {
      house.dispatcher->settings_changed();
      house.bus->settings_changed(house.settings);
      std::this_thread::yield();
    }
  });
  for (auto& one : threads) one.join();
  publishing = false;
  changer.join();

  constexpr int expected = each / 3 + publishers * (each - each / 3);
  EXPECT_EQ(accepted, expected);
  EXPECT_EQ(duplicates, publishers * each - expected);
  const auto all_delivered = [&] { return store.count(delivery_state::delivered) == 2u * expected; };
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!all_delivered() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(all_delivered()) << store.count(delivery_state::delivered) << " of " << 2 * expected;

  // What is in flight according to the dispatcher is nothing, and every slot can be had again.
  house.stop();
  for (const auto& one : house.dispatcher->endpoints()) EXPECT_EQ(one.in_flight, 0u) << one.key.channel;
  answers.reset();
  EXPECT_EQ(house.channel->breaches(), std::vector<std::string>());
  EXPECT_TRUE(house.channel->open_now().empty());
  store.close();
  pool.stop();
}

// Reserve, then release or hand over, at random: in the end all slots are free, and never more were given than there
// are.
TEST(BusLoad, ReservationsNeverLeak) {
  executor pool(1);
  const auto clock = make_system_clock(pool);
  fake_store store;
  bus_house house(store, *clock, pool);
  house.settings->add("email", 1);
  house.settings->routes_value = {bus_house::make_route()};
  house.channel->slots = 7;
  house.start();
  const endpoint_key key{"email", ""};
  ASSERT_TRUE(house.publish({bus_house::make_event("opens the endpoint")}));
  const auto all_free = [&] {
    std::uint32_t got = 0;
    while (house.dispatcher->reserve(key)) ++got;
    house.dispatcher->forgo(key, 1);
    for (std::uint32_t i = 0; i < got; ++i) house.dispatcher->release(key);
    return got == 7;
  };
  const auto until = [&](const auto& reached) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!reached() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return reached();
  };
  ASSERT_TRUE(until(all_free));

  std::mt19937 random(99);
  std::int64_t next = 1'000'000;
  for (int round = 0; round < 2'000; ++round) {
    std::vector<leased_delivery> deliveries;
    std::uint32_t got = 0;
    for (auto wanted = random() % 10; wanted > 0; --wanted) {
      if (!house.dispatcher->reserve(key)) {
        house.dispatcher->forgo(key, 1);
        continue;
      }
      ++got;
      if (random() % 2 == 0) {
        house.dispatcher->release(key);
        --got;
        continue;
      }
      leased_delivery made;
      made.id = delivery_id{++next};
      made.endpoint = key;
      made.template_name = "default";
      made.language = "en";
      made.recipient = "a@example.org";
      made.created = clock->now();
      made.payload = std::make_shared<const event>(bus_house::make_event(std::to_string(next)));
      deliveries.push_back(std::move(made));
    }
    ASSERT_LE(got, 7u);
    if (!deliveries.empty()) house.dispatcher->hand_over(std::move(deliveries));
  }
  EXPECT_TRUE(until(all_free));
  EXPECT_EQ(house.dispatcher->endpoints().at(0).in_flight, 0u);
  EXPECT_EQ(house.channel->breaches(), std::vector<std::string>());
  house.stop();
  store.close();
  pool.stop();
}

}  // namespace
}  // namespace tocsin::test
