// What an operator's retry means for endpoints: pauses end, what waits is tried.
#include "tests/unit/delivery/delivery_house.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

outcome delivered() { return fake_channel::ended(outcome_class::delivered, "OK", "250 2.0.0 Ok"); }
outcome wrong_password() { return fake_channel::ended(outcome_class::auth, "AUTH_REJECTED", "535 5.7.8 no"); }
outcome dead() { return fake_channel::ended(outcome_class::permanent, "RECIPIENT_REJECTED", "550 5.1.1 no"); }

class Operator : public testing::Test {
 protected:
  void SetUp() override {
    house.settings = std::make_shared<fake_settings>();
    house.settings->add("email", 1);
  }
  // As the API does it.
  alteration_result act(delivery_action action, std::optional<delivery_id> id = {}) {
    alteration what;
    what.action = action;
    what.id = id;
    what.now = house.clock.now();
    alteration_result made;
    house.store.alter(std::move(what), [&](result<alteration_result> answer) {
      for (const auto& key : answer->endpoints) house.engine->retry(key);
      made = std::move(*answer);
    });
    house.quiet();
    return made;
  }
  delivery_house house;
};

TEST_F(Operator, ARetryEndsThePauseOfTheEndpoint) {
  bool wrong = true;
  house.channel->say([&](const auto&) { return wrong ? wrong_password() : delivered(); });
  house.start();
  const auto first = house.publish();
  const auto second = house.publish();
  ASSERT_TRUE(house.paused());
  EXPECT_EQ("AUTH_REJECTED", house.engine->pause_of({"email", ""})->code);
  wrong = false;
  EXPECT_EQ(1u, act(delivery_action::retry, first).changed);
  EXPECT_FALSE(house.paused());
  EXPECT_FALSE(house.store.pause({"email", ""}));
  EXPECT_EQ(house.state(first), delivery_state::delivered);
  EXPECT_EQ(house.state(second), delivery_state::delivered) << "the pause was all that held it";
}

TEST_F(Operator, ARetryThatFailsInTheSameWayPausesAgain) {
  house.channel->say([](const auto&) { return wrong_password(); });
  house.start();
  const auto id = house.publish();
  act(delivery_action::retry);
  EXPECT_TRUE(house.paused());
  EXPECT_EQ(house.state(id), delivery_state::deferred);
  EXPECT_EQ(house.channel->seen().size(), 2u);
}

TEST_F(Operator, ARetryOpensAnEndpointThatCouldNotBeOpened) {
  house.channel->refuse_to_open(fault{"SETTINGS_INVALID", "The port is no number."});
  house.start();
  const auto id = house.publish();
  ASSERT_TRUE(house.paused());
  house.channel->refuse_to_open(std::nullopt);
  act(delivery_action::retry, id);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
  EXPECT_FALSE(house.paused());
}

TEST_F(Operator, AReplayedDeliveryIsSentUnderTheSameMessageId) {
  bool reject = true;
  house.channel->say([&](const auto&) { return reject ? dead() : delivered(); });
  house.start();
  const auto id = house.publish();
  ASSERT_EQ(house.state(id), delivery_state::dead);
  reject = false;
  house.pass(1h);
  EXPECT_EQ(1u, act(delivery_action::replay, id).changed);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
  const auto seen = house.channel->seen();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].message_id, seen[1].message_id);
  EXPECT_EQ(1u, seen[1].attempt) << "attempts begin anew";
}

TEST_F(Operator, WhatWasDroppedIsNotTriedAgain) {
  bool wrong = true;
  house.channel->say([&](const auto&) { return wrong ? wrong_password() : delivered(); });
  house.start();
  const auto id = house.publish();
  EXPECT_EQ(1u, act(delivery_action::drop, id).changed);
  wrong = false;
  house.pass(2h);
  EXPECT_EQ(house.state(id), delivery_state::dropped);
  EXPECT_EQ(house.channel->seen().size(), 1u);
}

}  // namespace
}  // namespace tocsin::test
