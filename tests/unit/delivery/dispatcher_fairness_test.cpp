// The dispatcher where many want the same: organizations on one endpoint, endpoints of one host.
#include "tests/unit/delivery/delivery_house.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

outcome delivered() { return fake_channel::ended(outcome_class::delivered, "OK", "250 2.0.0 Ok"); }
outcome refused() { return fake_channel::ended(outcome_class::transient, "TCP_REFUSED", ""); }

class DispatcherFairness : public testing::Test {
 protected:
  // One endpoint that everybody shares; what it is given it keeps until answer_one().
  void share_one_endpoint(std::uint32_t slots) {
    house.settings = std::make_shared<fake_settings>();
    house.settings->add("email", 1);
    house.channel->slots = slots;
    house.channel->say([](const auto&) { return std::nullopt; });
    house.start();
  }

  delivery_id publish(const std::string& organization, severity how = severity::info) {
    return house.publish({.organization = organization, .recipient = organization + "@example.org", .level = how});
  }
  void publish(int count, const std::string& organization, severity how = severity::info) {
    for (; count > 0; --count) {
      house.begin({.organization = organization, .recipient = organization + "@example.org", .level = how});
    }
    house.quiet();
  }

  // Publishes one and ends what the channel has until it is in its hands; says how many others came to it meanwhile.
  std::size_t others_before_one_of(const std::string& organization, severity how = severity::info) {
    const auto before = house.channel->seen().size();
    const auto id = publish(organization, how);
    for (int rounds = 0; rounds < 1'000; ++rounds) {
      const auto seen = house.channel->seen();
      for (std::size_t at = before; at < seen.size(); ++at) {
        if (seen[at].delivery == id) return at - before;
      }
      house.channel->answer(delivered());
      house.quiet();
    }
    ADD_FAILURE() << "it never came";
    return 0;
  }

  delivery_house house;
};

TEST_F(DispatcherFairness, AQuietOrganizationComesAfterOneDeliveryOfAnotherHoweverManyItHas) {
  share_one_endpoint(1);
  publish(200, "flood");
  EXPECT_LE(others_before_one_of("quiet"), 1u);
  EXPECT_LE(others_before_one_of("quiet"), 1u);
}

TEST_F(DispatcherFairness, AnothersSeverityDoesNotHoldItUp) {
  share_one_endpoint(1);
  publish(100, "flood", severity::fatal);
  EXPECT_LE(others_before_one_of("quiet", severity::info), 1u);
}

TEST_F(DispatcherFairness, WhatWaitsForALaterAttemptHoldsNobodyUp) {
  share_one_endpoint(2);
  house.channel->say([](const outgoing_message& message) -> std::optional<outcome> {
    if (message.recipient == "flood@example.org") return refused();
    return std::nullopt;
  });
  publish(100, "flood");
  EXPECT_EQ(others_before_one_of("quiet"), 0u);
}

TEST_F(DispatcherFairness, OneThatPublishesWithoutEndTakesNoSlotAheadOfWhatIsOnItsWayToTheDisk) {
  share_one_endpoint(1);
  const endpoint_key key{"email", ""};
  publish("flood");
  ASSERT_EQ(house.channel->held(), 1u);
  EXPECT_FALSE(house.engine->reserve(key)) << "the quiet one's: it goes to the disk without a slot";
  house.channel->answer(delivered());
  house.quiet();
  EXPECT_FALSE(house.engine->reserve(key)) << "a slot is free, but it is not the next one's";
  house.engine->notify(key, 2);
  house.quiet();
  EXPECT_TRUE(house.engine->reserve(key)) << "nothing waits any more";
  house.engine->release(key);
}

// --- endpoints of one host ---

class EndpointShares : public testing::Test {
 protected:
  // Endpoints that keep what they are given, but for those whose names begin with "good".
  void start(std::uint32_t max_sending, const std::vector<std::string>& channels) {
    house.settings = std::make_shared<fake_settings>();
    std::uint64_t fingerprint = 0;
    for (const auto& name : channels) house.settings->add(name, ++fingerprint);
    house.settings->host_value.max_sending = max_sending;
    house.channel->slots = 32;
    house.channel->say([](const outgoing_message& message) -> std::optional<outcome> {
      if (message.recipient.starts_with("good")) return delivered();
      return std::nullopt;
    });
    house.start();
  }
  void publish(int count, const std::string& channel) {
    for (; count > 0; --count) house.begin({.channel = channel, .recipient = channel});
    house.quiet();
  }
  std::size_t seen_of(const std::string& channel) const {
    const auto seen = house.channel->seen();
    return static_cast<std::size_t>(
        std::count_if(seen.begin(), seen.end(), [&](const auto& one) { return one.recipient == channel; }));
  }

  delivery_house house;
};

TEST_F(EndpointShares, OneAloneHoldsNoMoreThanHalfOfWhatTheHostMayHaveUnderWay) {
  start(8, {"stuck"});
  publish(30, "stuck");
  EXPECT_EQ(house.channel->held(), 4u);
  publish(30, "stuck");
  EXPECT_EQ(house.channel->held(), 4u) << "nor when more is published";
}

TEST_F(EndpointShares, AServerThatHangsLeavesTheOthersTheirs) {
  start(8, {"stuck", "stuck too", "good"});
  publish(30, "stuck");
  publish(30, "stuck too");
  publish(50, "good");
  EXPECT_LE(house.channel->held(), 7u);
  EXPECT_EQ(seen_of("good"), 50u);
  EXPECT_EQ(house.store.count(delivery_state::delivered), 50u);
}

TEST_F(EndpointShares, WhereAllIsTakenEndpointsTakeTurns) {
  start(2, {"a", "b", "c"});
  for (const auto* name : {"a", "b", "c"}) publish(40, name);
  for (int rounds = 0; rounds < 20; ++rounds) {
    house.channel->answer(delivered());
    house.quiet();
    EXPECT_LE(house.channel->held(), 2u);
  }
  const auto all = house.channel->seen().size();
  ASSERT_GE(all, 20u);
  for (const auto* name : {"a", "b", "c"}) EXPECT_GE(seen_of(name) + 2, all / 3) << name << " of " << all;
}

TEST_F(EndpointShares, OtherSettingsTakeEffectAtOnce) {
  start(2, {"stuck"});
  publish(30, "stuck");
  EXPECT_EQ(house.channel->held(), 1u);
  auto more = std::make_shared<fake_settings>(*house.settings);
  more->host_value.max_sending = 20;
  house.change(more);
  EXPECT_EQ(house.channel->held(), 10u);
}

}  // namespace
}  // namespace tocsin::test
