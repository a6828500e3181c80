// The bus: what is checked, what is written down, and when a publisher is answered.
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/bus/bus_house.hpp"

#include <gtest/gtest.h>

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

class BusTest : public testing::Test {
 protected:
  BusTest() {
    house.settings->add("email", 1);
    house.settings->routes_value = {bus_house::make_route()};
  }
  ~BusTest() override {
    EXPECT_EQ(house.channel->breaches(), std::vector<std::string>());
    quiet();
    house.bus.reset();
    house.dispatcher.reset();
    store.close();
    pool.stop();
  }

  void quiet() {
    std::uint64_t before = 0;
    for (int unchanged = 0; unchanged < 4;) {
      std::promise<void> reached;
      pool.post([&] { reached.set_value(); });
      reached.get_future().wait();
      store.wait();
      const auto after = store.answered() + house.channel->seen().size();
      unchanged = after == before ? unchanged + 1 : 0;
      before = after;
    }
  }

  // Publishes one event and gives back its one delivery as it is when all is quiet.
  fake_disk::row publish_one(event value) {
    const auto answers = house.publish({std::move(value)});
    EXPECT_TRUE(answers);
    quiet();
    const auto rows = store.rows();
    return rows.empty() ? fake_disk::row{} : rows.back();
  }

  manual_clock clock;
  fake_store store;
  executor pool{1};
  bus_house house{store, clock, pool, 10};
};

TEST_F(BusTest, WhatIsAnsweredIsOnDiskAndIsDelivered) {
  house.start();
  const auto answers = house.publish({bus_house::make_event("1"), bus_house::make_event("2")});
  ASSERT_TRUE(answers);
  ASSERT_EQ(answers->size(), 2u);
  EXPECT_FALSE((*answers)[0].duplicate);
  EXPECT_EQ(store.disk().events.size(), 2u);
  quiet();
  EXPECT_EQ(store.count(delivery_state::delivered), 2u);
  EXPECT_EQ(house.bus->counts().accepted, 2u);
}

TEST_F(BusTest, AnEventThatWasSeenIsADuplicateWithTheFirstOnesId) {
  house.start();
  const auto first = house.publish({bus_house::make_event("1")});
  quiet();
  const auto again = house.publish({bus_house::make_event("1")});
  ASSERT_TRUE(again);
  EXPECT_TRUE((*again)[0].duplicate);
  EXPECT_EQ((*again)[0].id, (*first)[0].id);
  const auto other = house.publish({bus_house::make_event("1", "tocsin.test", "acme")});
  EXPECT_FALSE((*other)[0].duplicate) << "another organization's event is another event";
  quiet();
  EXPECT_EQ(house.channel->seen().size(), 2u);
  EXPECT_EQ(house.bus->counts().duplicates, 1u);
}

TEST_F(BusTest, ADuplicateGivesItsSlotBack) {
  house.channel->slots = 1;
  house.start();
  house.publish({bus_house::make_event("0")});
  quiet();
  for (int i = 0; i < 10; ++i) house.publish({bus_house::make_event("0")});
  const auto leases = store.leases();
  house.publish({bus_house::make_event("1")});
  quiet();
  EXPECT_EQ(store.count(delivery_state::delivered), 2u);
  EXPECT_EQ(store.leases(), leases) << "the slot was free, so the event left without a lease";
}

TEST_F(BusTest, AnEventWithoutARouteIsKeptAndCounted) {
  house.settings->routes_value.clear();
  house.start();
  EXPECT_TRUE(house.publish({bus_house::make_event("1")}));
  EXPECT_EQ(store.disk().events.size(), 1u);
  EXPECT_TRUE(store.rows().empty());
  EXPECT_EQ(house.bus->counts().unrouted, 1u);
  house.publish({bus_house::make_event("1")});
  EXPECT_EQ(house.bus->counts().unrouted, 1u) << "a duplicate is not counted again";
}

TEST_F(BusTest, NobodyElseSpeaksUnderTheSourceOfTheHostsOwnNews) {
  house.start();
  auto value = bus_house::make_event("1");
  value.source = "/tocsin/host";
  const auto answer = house.publish({value});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "EVENT_INVALID");
  EXPECT_NE(answer.error().what.find("/tocsin/host"), std::string::npos);
}

TEST_F(BusTest, TheTimeToLiveOfItsTypeIsForAnEventThatHasNone) {
  house.settings->event_types_value = {{"tocsin.password.*", 15min, true}};
  house.start();
  const auto recovery = publish_one(bus_house::make_event("1", "tocsin.password.recovery"));
  EXPECT_EQ(recovery.delivery.give_up_at, clock.now() + 900'000);
  auto own = bus_house::make_event("2", "tocsin.password.recovery");
  own.expires = clock.now() + 5'000;
  EXPECT_EQ(publish_one(own).delivery.give_up_at, own.expires);
  EXPECT_FALSE(publish_one(bus_house::make_event("3")).delivery.give_up_at);
}

TEST_F(BusTest, AnEventThatHasExpiredAlreadyIsSeenToExpire) {
  house.start();
  auto late = bus_house::make_event("1");
  late.expires = clock.now() - 1;
  EXPECT_EQ(publish_one(late).state, delivery_state::expired);
  EXPECT_TRUE(house.channel->seen().empty());
}

TEST_F(BusTest, TheLanguageIsTheEventsElseTheOrganizationsElseTheHosts) {
  house.settings->organizations_value["acme"] = {"fr", ""};
  house.start();
  EXPECT_EQ(publish_one(bus_house::make_event("1")).delivery.language, "en");
  EXPECT_EQ(publish_one(bus_house::make_event("2", "tocsin.test", "acme")).delivery.language, "fr");
  auto own = bus_house::make_event("3", "tocsin.test", "acme");
  own.language = "ja";
  EXPECT_EQ(publish_one(own).delivery.language, "ja");
}

TEST_F(BusTest, ADeliveryIsWrittenOnTheEndpointOfItsOrganization) {
  house.settings->add_own("email", "acme", 2);
  house.start();
  EXPECT_EQ(publish_one(bus_house::make_event("1")).delivery.endpoint, (endpoint_key{"email", ""}));
  EXPECT_EQ(publish_one(bus_house::make_event("2", "t", "acme")).delivery.endpoint, (endpoint_key{"email", "acme"}));
  EXPECT_EQ(publish_one(bus_house::make_event("3", "t", "umbrella")).delivery.endpoint, (endpoint_key{"email", ""}));
}

TEST_F(BusTest, AnUnknownChannelLosesNothing) {
  house.settings->routes_value = {bus_house::make_route("no-such-channel")};
  house.settings->endpoints_value.clear();
  house.start();
  const auto row = publish_one(bus_house::make_event("1", "t", "acme"));
  EXPECT_EQ(row.delivery.endpoint, (endpoint_key{"no-such-channel", "acme"}));
  EXPECT_EQ(row.state, delivery_state::deferred);
  EXPECT_EQ(row.code, "CHANNEL_UNKNOWN");
}

TEST_F(BusTest, TheMessageIdNamesTheDeliveryAndTheStoresHost) {
  house.start();
  const auto row = publish_one(bus_house::make_event("1"));
  EXPECT_TRUE(row.delivery.message_id.starts_with(to_text(row.delivery.id) + "."));
  EXPECT_TRUE(row.delivery.message_id.ends_with("@host.test"));
}

TEST_F(BusTest, FurtherChannelsOfTheRouteAreKeptForLater) {
  house.settings->add("backup", 2);
  house.settings->routes_value.front().channels = {"email", "backup"};
  house.start();
  EXPECT_EQ(publish_one(bus_house::make_event("1")).delivery.next_channels, std::vector<std::string>{"backup"});
}

TEST_F(BusTest, OtherSettingsRouteTheNextEvent) {
  house.start();
  auto other = std::make_shared<fake_settings>();
  other->add("email", 1);
  other->routes_value = {bus_house::make_route("email", "other@example.org")};
  house.bus->settings_changed(other);
  EXPECT_EQ(publish_one(bus_house::make_event("1")).delivery.recipient, "other@example.org");
}

TEST_F(BusTest, MemoryIsWrittenInTheSameCommit) {
  house.start();
  EXPECT_TRUE(house.publish({bus_house::make_event("1")}, {{"license", "step", "30"}}));
  EXPECT_TRUE(house.publish({}, {{"license", "other", "x"}}));
  EXPECT_EQ(store.disk().memory.at({"license", "step"}), "30");
  EXPECT_EQ(store.disk().memory.at({"license", "other"}), "x");
}

TEST_F(BusTest, AFullStoreIsThePublishersAnswerAndCostsNoSlot) {
  house.channel->slots = 1;
  house.start();
  publish_one(bus_house::make_event("0"));
  store.fail_accepts(3);
  for (int i = 0; i < 3; ++i) {
    const auto answers = house.publish({bus_house::make_event("1")});
    ASSERT_FALSE(answers);
    EXPECT_EQ(answers.error().code, "STORE_FULL");
  }
  EXPECT_EQ(publish_one(bus_house::make_event("1")).state, delivery_state::delivered);
}

// Holds the store's thread until it is told to go on.
struct blocked_store {
  explicit blocked_store(fake_store& held) {
    held.recall("", "", [this](const auto&) { go.get_future().wait(); });
  }
  std::promise<void> go;
};

TEST_F(BusTest, BeyondItsCapacityPublishersAreAskedToWait) {
  house.start();
  quiet();
  blocked_store blocked(store);
  int answered = 0;
  for (int i = 0; i < 10; ++i) {
    house.bus->publish({{bus_house::make_event(std::to_string(i))}, {}}, [&](const auto& answers) {
      EXPECT_TRUE(answers);
      ++answered;
    });
  }
  const auto refused = house.publish({bus_house::make_event("10")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "BUS_BUSY");
  blocked.go.set_value();
  quiet();
  EXPECT_EQ(answered, 10);
  EXPECT_TRUE(house.publish({bus_house::make_event("10")}));
}

TEST_F(BusTest, APublicationLargerThanTheCapacityIsTakenAlone) {
  house.start();
  std::vector<event> many;
  for (int i = 0; i < 25; ++i) many.push_back(bus_house::make_event(std::to_string(i)));
  EXPECT_TRUE(house.publish(many));
}

TEST_F(BusTest, BeforeItsStartAndAfterItsStopNothingIsTaken) {
  house.start();
  quiet();
  blocked_store blocked(store);
  bool answered = false, stopped = false;
  house.bus->publish({{bus_house::make_event("1")}, {}}, [&](const auto&) { answered = true; });
  house.bus->stop([&] {
    EXPECT_TRUE(answered) << "what was taken is answered first";
    stopped = true;
  });
  EXPECT_FALSE(stopped);
  const auto refused = house.publish({bus_house::make_event("2")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "BUS_STOPPED");
  blocked.go.set_value();
  quiet();
  EXPECT_TRUE(stopped);

  bus idle(bus_parts{&clock, &store, house.dispatcher.get(), &house.identifiers, 10});
  idle.publish({{bus_house::make_event("3")}, {}}, [&](const auto& answers) {
    ASSERT_FALSE(answers);
    EXPECT_EQ(answers.error().code, "BUS_STOPPED");
  });
}

}  // namespace
}  // namespace tocsin::test
