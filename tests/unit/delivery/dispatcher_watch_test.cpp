// The dispatcher with plugins that never say what became of a delivery, or that the host does not survive.
#include "tests/unit/delivery/delivery_house.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

outcome delivered() { return fake_channel::ended(outcome_class::delivered, "OK", "250 2.0.0 Ok"); }

std::shared_ptr<fake_settings> with_email() {
  auto made = std::make_shared<fake_settings>();
  made->add("email", 1);
  made->host_value.plugins.delivery_limit = 2h;
  return made;
}

// --- deliveries that are never completed ---

class ForgottenDelivery : public testing::Test {
 protected:
  void SetUp() override {
    house.settings = with_email();
    house.channel->slots = 1;
    house.channel->say([](const auto&) { return std::nullopt; });
    house.start();
  }
  delivery_house house;
};

TEST_F(ForgottenDelivery, IsTakenBackAfterTheLimitAsHungAndUncertain) {
  const auto id = house.publish();
  house.pass(2h - 1ms);
  EXPECT_EQ(house.state(id), delivery_state::sending);
  house.pass(1ms);
  const auto row = house.store.row(id);
  EXPECT_EQ(row.state, delivery_state::deferred);
  EXPECT_EQ(row.code, "PLUGIN_HUNG");
  EXPECT_NE(row.detail.find("\"fake\""), std::string::npos) << row.detail;
  EXPECT_TRUE(row.uncertain);
  EXPECT_EQ(row.attempts, 1u);
  ASSERT_EQ(house.channel->taken_back().size(), 1u);
  EXPECT_EQ(house.channel->taken_back()[0].delivery, id);
  EXPECT_EQ(house.taken_back["fake"], 1u);
}

TEST_F(ForgottenDelivery, LeavesItsSlotToTheNext) {
  house.publish();
  const auto next = house.publish({.recipient = "next"});
  house.pass(2h);
  EXPECT_EQ(house.state(next), delivery_state::sending);
  EXPECT_EQ(house.status({"email", ""})->in_flight, 1u);
}

TEST_F(ForgottenDelivery, IsNotEndedByAnOutcomeThatComesAfterAll) {
  const auto id = house.publish();
  house.pass(2h);
  auto late = delivered();
  late.delivery = id;
  late.attempt = 1;
  house.engine->complete({late});
  house.quiet();
  EXPECT_EQ(house.state(id), delivery_state::deferred);
  house.pass(1min);
  EXPECT_EQ(house.state(id), delivery_state::sending);
  house.engine->complete({late});
  house.quiet();
  EXPECT_EQ(house.state(id), delivery_state::sending) << "nor its next attempt by that of the one before";
}

TEST_F(ForgottenDelivery, HasTheWholeLimitOfItsOwn) {
  house.publish();
  house.pass(1h);
  house.channel->answer(delivered());
  house.quiet();
  const auto later = house.publish();
  house.pass(2h - 1ms);
  EXPECT_TRUE(house.channel->taken_back().empty());
  EXPECT_EQ(house.state(later), delivery_state::sending);
  house.pass(1ms);
  EXPECT_EQ(house.code(later), "PLUGIN_HUNG");
}

// --- deliveries that the host does not survive ---

class Suspects : public testing::Test {
 protected:
  // A run of the host that ends, as it were by a crash, while its channel has everything that it was given.
  std::unique_ptr<delivery_house> run(std::shared_ptr<fake_settings> settings = with_email()) {
    auto house = std::make_unique<delivery_house>(disk, at += 60'000);
    house->settings = std::move(settings);
    house->channel->say([](const auto&) { return std::nullopt; });
    house->start(crashed, named);
    return house;
  }

  bool crashed = true;               // the run before
  std::optional<delivery_id> named;  // by its last words
  std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>();
  time_ms at = manual_clock::start_time;
};

TEST_F(Suspects, AreHandedOverOneAtATime) {
  std::vector<delivery_id> ids;
  {
    const auto before = run();
    for (int i = 0; i < 3; ++i) ids.push_back(before->publish());
    ASSERT_EQ(before->channel->held(), 3u);
  }
  const auto after = run();
  EXPECT_EQ(after->channel->held(), 1u);
  const auto fresh = after->publish({.recipient = "fresh"});
  EXPECT_EQ(after->channel->held(), 2u) << "what was not interrupted need not wait for them";
  for (const std::size_t given : {2u, 3u}) {
    after->channel->answer(delivered());
    after->quiet();
    EXPECT_EQ(after->channel->held(), 1u);
    EXPECT_EQ(after->channel->seen().size(), given + 1);
  }
  after->channel->answer(delivered());
  after->quiet();
  for (const auto id : ids) EXPECT_EQ(after->state(id), delivery_state::delivered);
  EXPECT_EQ(after->state(fresh), delivery_state::delivered);
}

TEST_F(Suspects, DoNotWaitLongForOneWhoseServerIsSlow) {
  {
    const auto before = run();
    before->publish();
    before->publish();
  }
  const auto after = run();
  EXPECT_EQ(after->channel->held(), 1u);
  after->pass(30s);
  EXPECT_EQ(after->channel->held(), 2u);
}

TEST_F(Suspects, ThatThreeRunsDidNotSurviveAreDeadAndSayWhy) {
  const auto id = run()->publish();
  named = id;
  run();
  run();
  const auto after = run();
  const auto row = after->store.row(id);
  EXPECT_EQ(row.state, delivery_state::dead);
  EXPECT_EQ(row.code, "PLUGIN_CRASHED");
  EXPECT_NE(row.detail.find("3 times in a row while the plugin \"fake\""), std::string::npos) << row.detail;
  EXPECT_TRUE(row.uncertain);
  EXPECT_TRUE(after->channel->seen().empty());
}

TEST_F(Suspects, ThatThreeRunsDidNotSurviveGoOnToTheNextChannel) {
  auto settings = with_email();
  settings->add("backup", 2);
  const auto id = run(settings)->publish({.next_channels = {"backup"}});
  named = id;
  run(settings);
  run(settings);
  const auto after = run(settings);
  const auto row = after->store.row(id);
  EXPECT_EQ(row.state, delivery_state::superseded);
  EXPECT_EQ(row.code, "PLUGIN_CRASHED");
  ASSERT_TRUE(row.superseded_by);
  EXPECT_EQ(after->state(*row.superseded_by), delivery_state::sending);
}

TEST_F(Suspects, AreClearedByAnyOutcome) {
  const auto id = run()->publish();
  named = id;
  run();
  {
    const auto third = run();
    third->channel->answer(fake_channel::ended(outcome_class::transient, "TCP_REFUSED", ""));
    third->quiet();
    EXPECT_EQ(third->store.row(id).interrupted, 0u);
    third->pass(2min);
    EXPECT_EQ(third->state(id), delivery_state::sending);
  }
  at += 3'600'000;
  const auto after = run();
  EXPECT_EQ(after->state(id), delivery_state::sending) << "its first interruption again";
}

TEST_F(Suspects, AreNoneWhereTheRunBeforeWasKilledOrLostItsPower) {
  std::vector<delivery_id> ids;
  {
    const auto before = run();
    for (int i = 0; i < 2; ++i) ids.push_back(before->publish());
  }
  crashed = false;
  for (int kills = 0; kills < 5; ++kills) EXPECT_EQ(run()->channel->held(), 2u);
  const auto after = run();
  after->channel->answer(delivered());
  after->quiet();
  for (const auto id : ids) EXPECT_EQ(after->state(id), delivery_state::delivered);
}

TEST_F(Suspects, AreNotBlamedForTheOneThatWasNamed) {
  std::vector<delivery_id> ids;
  {
    const auto before = run();
    for (int i = 0; i < 3; ++i) ids.push_back(before->publish());
  }
  named = ids[0];
  for (int crashes = 0; crashes < 2; ++crashes) run();
  const auto after = run();
  EXPECT_EQ(after->code(ids[0]), "PLUGIN_CRASHED");
  for (const auto id : {ids[1], ids[2]}) EXPECT_EQ(after->store.row(id).interrupted, 1u);
  after->channel->say([](const auto&) { return fake_channel::ended(outcome_class::delivered, "OK"); });
  after->channel->answer(delivered());
  after->quiet();
  for (const auto id : {ids[1], ids[2]}) EXPECT_EQ(after->state(id), delivery_state::delivered);
}

}  // namespace
}  // namespace tocsin::test
