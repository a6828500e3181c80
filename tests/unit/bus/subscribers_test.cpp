// What the bus hands to subscribers: accepted events that are not sensitive, once, after the commit.
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/bus/bus_house.hpp"

#include <gtest/gtest.h>

#include <condition_variable>

namespace tocsin::test {
namespace {

struct subscribed_house {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<event_ptr> seen;
  executor pool{2};
  manual_clock clock;
  fake_store store;
  bus_house house{store, clock, pool};

  ~subscribed_house() {
    house.stop();
    house.bus.reset();
    house.dispatcher.reset();
    store.close();
    pool.stop();
  }

  void subscribe(subscription_filter filter) {
    house.bus->set_subscriptions({std::make_shared<subscription>(
        std::move(filter), pool,
        [this](std::span<const event_ptr> events, std::uint64_t) {
          const std::lock_guard lock(mutex);
          seen.insert(seen.end(), events.begin(), events.end());
          changed.notify_all();
          return true;
        },
        std::make_shared<std::atomic<std::uint64_t>>(0))});
  }
  // The ids that came, once there are so many; none after 20 s.
  std::vector<std::string> wait(std::size_t count) {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, std::chrono::seconds(20), [&] { return seen.size() >= count; })) return {};
    std::vector<std::string> ids;
    for (const event_ptr& one : seen) ids.push_back(one->id);
    return ids;
  }
};

TEST(Subscribers, GetEventsThatNoRouteMatchesAndThoseThatOneDoes) {
  subscribed_house at;
  at.house.settings->add("email", 1);
  auto route = bus_house::make_route();
  route.types = {"tocsin.routed"};
  at.house.settings->routes_value = {route};
  at.house.start();
  at.subscribe({});
  ASSERT_TRUE(at.house.publish({bus_house::make_event("1"), bus_house::make_event("2", "tocsin.routed")}));
  EXPECT_EQ(at.wait(2), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(at.seen[0]->type, "tocsin.test");
}

TEST(Subscribers, NeverGetSensitiveEventsNorDuplicatesNorWhatOthersAskFor) {
  subscribed_house at;
  event_type_settings secret;
  secret.types = "tocsin.password.*";
  secret.sensitive = true;
  at.house.settings->event_types_value = {secret};
  at.house.start();
  at.subscribe({{"tocsin.*"}, {}, {}});
  const auto once = bus_house::make_event("once");
  ASSERT_TRUE(at.house.publish({once}));
  ASSERT_TRUE(at.house.publish({once}));
  ASSERT_TRUE(at.house.publish({bus_house::make_event("word", "tocsin.password.reset")}));
  ASSERT_TRUE(at.house.publish({bus_house::make_event("other", "example.other")}));
  ASSERT_TRUE(at.house.publish({bus_house::make_event("last")}));
  EXPECT_EQ(at.wait(2), (std::vector<std::string>{"once", "last"}));
}

TEST(Subscribers, GetNothingOfAPublicationThatWasRefused) {
  subscribed_house at;
  at.house.start();
  at.subscribe({});
  at.store.fail_accepts(1);
  EXPECT_FALSE(at.house.publish({bus_house::make_event("first"), bus_house::make_event("second")}));
  ASSERT_TRUE(at.house.publish({bus_house::make_event("last")}));
  EXPECT_EQ(at.wait(1), (std::vector<std::string>{"last"}));
}

}  // namespace
}  // namespace tocsin::test
