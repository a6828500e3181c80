// The dispatcher on a timeline: what is delivered, when it is tried again, and what an endpoint's faults mean.
#include "tests/unit/delivery/delivery_house.hpp"

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

outcome delivered() { return fake_channel::ended(outcome_class::delivered, "OK", "250 2.0.0 Ok"); }
outcome refused() { return fake_channel::ended(outcome_class::transient, "TCP_REFUSED", ""); }
outcome wrong_password() { return fake_channel::ended(outcome_class::auth, "AUTH_REJECTED", "535 5.7.8 no"); }
outcome dead() { return fake_channel::ended(outcome_class::permanent, "RECIPIENT_REJECTED", "550 5.1.1 no"); }

std::shared_ptr<fake_settings> with_email(std::uint64_t fingerprint = 1) {
  auto made = std::make_shared<fake_settings>();
  made->add("email", fingerprint);
  return made;
}

class DispatcherTest : public testing::Test {
 protected:
  void start() { house.start(); }

  delivery_house house;
};

TEST_F(DispatcherTest, DeliversWhatIsPublished) {
  house.settings = with_email();
  start();
  const auto id = house.publish();
  const auto row = house.store.row(id);
  EXPECT_EQ(row.state, delivery_state::delivered);
  EXPECT_EQ(row.code, "OK");
  EXPECT_EQ(row.server_reply, "250 Ok");
  EXPECT_EQ(row.attempts, 1u);
  const auto seen = house.channel->seen();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].message_id, row.delivery.message_id);
  EXPECT_EQ(seen[0].attempt, 1u);
  EXPECT_EQ(seen[0].recipient, "ops@example.org");
  EXPECT_FALSE(seen[0].parts.subject.empty());
  EXPECT_FALSE(seen[0].parts.text.empty());
  EXPECT_TRUE(seen[0].parts.html.empty()) << "the channel did not ask for it";
}

TEST_F(DispatcherTest, AnIdleOpenEndpointTakesADeliveryWithoutALease) {
  house.settings = with_email();
  start();
  house.publish();  // opens it
  const auto leases = house.store.leases();
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::delivered);
  EXPECT_EQ(house.store.leases(), leases);
}

TEST_F(DispatcherTest, TriesAgainAfterTheBackoffUntilTheServerIsBack) {
  house.settings = with_email();
  house.channel->say(
      [&](const auto&) { return house.clock.now() < manual_clock::start_time + 60'000 ? refused() : delivered(); });
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::deferred);
  EXPECT_EQ(house.code(id), "TCP_REFUSED");
  house.pass(5min);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
  EXPECT_THAT(house.attempt_times(id), ElementsAre(0, 30'000, 90'000));
  EXPECT_EQ(house.store.row(id).attempts, 3u);
}

TEST_F(DispatcherTest, WhatIsDueIsSeenSoonAfterTheClockWasSetForward) {
  house.settings = with_email();
  house.settings->retry_value = {4h, 4h, 48h};
  bool down = true;
  house.channel->say([&](const auto&) { return down ? refused() : delivered(); });
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::deferred);
  down = false;
  house.clock.jump(5h);
  house.pass(1min);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
}

TEST_F(DispatcherTest, GivesUpWithTheLastCode) {
  house.settings = with_email();
  house.settings->retry_value = {30s, 1min, 3min};
  house.channel->say([](const auto&) { return refused(); });
  start();
  const auto id = house.publish();
  house.pass(10min);
  EXPECT_EQ(house.state(id), delivery_state::dead);
  EXPECT_EQ(house.code(id), "TCP_REFUSED");
  EXPECT_THAT(house.attempt_times(id), ElementsAre(0, 30'000, 90'000, 150'000, 180'000));
}

TEST_F(DispatcherTest, APermanentFailureIsDead) {
  house.settings = with_email();
  house.channel->say([](const auto&) { return dead(); });
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::dead);
  EXPECT_EQ(house.code(id), "RECIPIENT_REJECTED");
  house.pass(2h);
  EXPECT_EQ(house.channel->seen().size(), 1u);
}

TEST_F(DispatcherTest, ATemplateThatCannotBeRenderedIsDeadAndOthersAreNot) {
  house.settings = with_email();
  start();
  const auto wrong = house.publish({.template_name = "no such template"});
  const auto right = house.publish();
  EXPECT_EQ(house.state(wrong), delivery_state::dead);
  EXPECT_EQ(house.code(wrong), "RENDER_FAILED");
  EXPECT_EQ(house.state(right), delivery_state::delivered);
}

TEST_F(DispatcherTest, APayloadThatCannotBeReadGoesThroughItsChannelsToItsEnd) {
  house.settings = with_email();
  house.settings->add("backup", 2);
  house.channel->say([](const auto&) { return refused(); });
  start();
  const auto id = house.publish({.next_channels = {"backup"}});
  house.store.disk().unreadable = true;
  house.pass(1h);
  const auto row = house.store.row(id);
  EXPECT_EQ(row.state, delivery_state::superseded);
  EXPECT_EQ(row.code, "RENDER_FAILED");
  ASSERT_TRUE(row.superseded_by);
  EXPECT_EQ(house.state(*row.superseded_by), delivery_state::dead);
  EXPECT_EQ(house.code(*row.superseded_by), "RENDER_FAILED");
  EXPECT_EQ(house.channel->seen().size(), 1u) << "nothing was handed to a channel without its payload";
}

TEST_F(DispatcherTest, FailsOverToTheNextChannel) {
  house.settings = with_email();
  house.settings->add("backup", 2);
  house.channel->say([](const outgoing_message& message) {
    return message.endpoint.index == 1 ? dead() : delivered();  // the first one opened is "email"
  });
  start();
  const auto id = house.publish({.next_channels = {"backup"}});
  const auto row = house.store.row(id);
  EXPECT_EQ(row.state, delivery_state::superseded);
  EXPECT_EQ(row.code, "RECIPIENT_REJECTED");
  ASSERT_TRUE(row.superseded_by);
  const auto next = house.store.row(*row.superseded_by);
  EXPECT_EQ(next.state, delivery_state::delivered);
  EXPECT_EQ(next.delivery.endpoint.channel, "backup");
  EXPECT_EQ(next.delivery.route, "test");
  EXPECT_EQ(next.delivery.recipient, row.delivery.recipient);
  EXPECT_NE(next.delivery.message_id, row.delivery.message_id);
  EXPECT_TRUE(next.delivery.message_id.ends_with("@host.test"));
}

TEST_F(DispatcherTest, ExpiresWhenTheTimeToLiveRunsOut) {
  house.settings = with_email();
  house.channel->say([](const auto&) { return refused(); });
  start();
  const auto id = house.publish({.lives = 45s});
  house.pass(2min);
  EXPECT_EQ(house.state(id), delivery_state::expired);
  EXPECT_EQ(house.code(id), "EXPIRED");
  EXPECT_EQ(house.channel->seen().size(), 2u) << "at 0 s and 30 s, and none after 45 s";
}

TEST_F(DispatcherTest, AThrottledEndpointIsLeftAlone) {
  house.settings = with_email();
  bool throttle = true;
  house.channel->say([&](const auto&) {
    auto how = fake_channel::ended(std::exchange(throttle, false) ? outcome_class::throttled : outcome_class::delivered,
                                   "RATE_LIMITED");
    if (how.outcome_class == outcome_class::throttled) how.retry_after = 2min;
    return how;
  });
  start();
  const auto first = house.publish();
  const auto second = house.publish();
  EXPECT_EQ(house.state(second), delivery_state::pending);
  house.pass(119s);
  EXPECT_EQ(house.channel->seen().size(), 1u);
  house.pass(1s);
  EXPECT_EQ(house.state(first), delivery_state::delivered);
  EXPECT_EQ(house.state(second), delivery_state::delivered);
}

TEST_F(DispatcherTest, AWrongPasswordPausesTheEndpointAndProbesGrowToAnHour) {
  house.settings = with_email();
  house.channel->say([](const auto&) { return wrong_password(); });
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::deferred);
  EXPECT_EQ(house.code(id), "AUTH_REJECTED");
  EXPECT_TRUE(house.paused());
  EXPECT_TRUE(house.store.pause({"email", ""}));
  std::vector<std::int64_t> minutes;
  for (int minute = 1; minute <= 240; ++minute) {
    const auto before = house.channel->seen().size();
    house.pass(1min);
    if (house.channel->seen().size() > before) minutes.push_back(minute);
  }
  EXPECT_THAT(minutes, ElementsAre(5, 15, 35, 75, 135, 195));
  house.pass(200h);
  EXPECT_EQ(house.state(id), delivery_state::deferred) << "give_up does not run while the endpoint is paused";
}

TEST_F(DispatcherTest, AProbeThatGetsThroughEndsThePauseForAll) {
  house.settings = with_email();
  bool wrong = true;
  house.channel->say([&](const auto&) { return wrong ? wrong_password() : delivered(); });
  start();
  std::vector<delivery_id> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(house.publish());
  for (const auto id : ids) {
    EXPECT_EQ(house.state(id), delivery_state::deferred);
    EXPECT_EQ(house.code(id), "AUTH_REJECTED") << "who waits is told why";
  }
  EXPECT_EQ(house.channel->seen().size(), 1u);
  wrong = false;
  house.pass(5min);
  for (const auto id : ids) EXPECT_EQ(house.state(id), delivery_state::delivered);
  EXPECT_FALSE(house.paused());
  EXPECT_FALSE(house.store.pause({"email", ""}));
}

TEST_F(DispatcherTest, OtherSettingsEndThePause) {
  house.settings = with_email(1);
  house.channel->say([&](const outgoing_message& message) {
    return house.channel->opens() < 2 || message.endpoint.index == 1 ? wrong_password() : delivered();
  });
  start();
  const auto first = house.publish();
  const auto second = house.publish();
  house.change(with_email(1));
  EXPECT_TRUE(house.paused()) << "nothing changed";
  house.change(with_email(2));
  EXPECT_FALSE(house.paused());
  EXPECT_EQ(house.state(first), delivery_state::delivered);
  EXPECT_EQ(house.state(second), delivery_state::delivered);
  EXPECT_EQ(house.channel->open_now().size(), 1u) << "the old settings' endpoint is closed";
}

TEST_F(DispatcherTest, AFaultOfSettingsThatAreNotInForceAnyMorePausesNothing) {
  house.settings = with_email(1);
  house.channel->say([](const auto&) { return std::nullopt; });
  start();
  const auto id = house.publish();
  house.change(with_email(2));
  house.channel->say([](const auto&) { return delivered(); });
  EXPECT_EQ(house.channel->answer(wrong_password()), 1u);
  house.quiet();
  EXPECT_FALSE(house.paused());
  EXPECT_EQ(house.state(id), delivery_state::delivered) << "tried at once by the new settings";
}

TEST_F(DispatcherTest, NobodyElsesEndpointIsTouchedByAPause) {
  house.settings = with_email();
  house.settings->add_own("email", "acme", 7);
  house.channel->say(
      [](const outgoing_message& message) { return message.organization == "acme" ? wrong_password() : delivered(); });
  start();
  const auto acme = house.publish({.organization = "acme"});
  const auto other = house.publish({.organization = "other"});
  EXPECT_EQ(house.state(acme), delivery_state::deferred);
  EXPECT_EQ(house.state(other), delivery_state::delivered);
  EXPECT_TRUE(house.paused("email", "acme"));
  EXPECT_FALSE(house.paused("email"));
}

TEST_F(DispatcherTest, APausedEndpointHandsWhatItHasToTheNextChannel) {
  house.settings = with_email();
  house.settings->add("backup", 2);
  house.channel->say(
      [](const outgoing_message& message) { return message.endpoint.index == 1 ? wrong_password() : delivered(); });
  start();
  const auto alone = house.publish();
  EXPECT_TRUE(house.paused());
  const auto accompanied = house.publish({.next_channels = {"backup"}});
  EXPECT_EQ(house.state(alone), delivery_state::deferred);
  const auto row = house.store.row(accompanied);
  EXPECT_EQ(row.state, delivery_state::superseded);
  EXPECT_EQ(row.code, "AUTH_REJECTED");
  EXPECT_EQ(house.state(*row.superseded_by), delivery_state::delivered);
}

TEST_F(DispatcherTest, WhatWaitsOnAPausedEndpointExpiresInTime) {
  house.settings = with_email();
  house.channel->say([](const auto&) { return wrong_password(); });
  start();
  house.publish();
  const auto id = house.publish({.lives = 2min});
  house.pass(2min);
  EXPECT_EQ(house.state(id), delivery_state::expired);
}

TEST_F(DispatcherTest, AChannelThatNobodyKnowsKeepsItsDeliveriesUntilItIsThere) {
  house.settings = std::make_shared<fake_settings>();
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::deferred);
  EXPECT_EQ(house.code(id), "CHANNEL_UNKNOWN");
  EXPECT_EQ(house.store.row(id).attempts, 0u);
  house.change(with_email());
  EXPECT_EQ(house.state(id), delivery_state::delivered);
}

TEST_F(DispatcherTest, SettingsThatCannotWorkPauseTheEndpointWithoutAnAttempt) {
  house.settings = with_email();
  house.settings->add("email", 1).problem = fault{"SETTINGS_INVALID", "The secret cannot be read."};
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::deferred);
  EXPECT_EQ(house.code(id), "SETTINGS_INVALID");
  EXPECT_EQ(house.channel->opens(), 0);
  house.change(with_email(2));
  EXPECT_EQ(house.state(id), delivery_state::delivered);
}

TEST_F(DispatcherTest, APluginThatIsMissingPausesItsEndpoint) {
  house.settings = with_email();
  house.settings->add("email", 1).plugin = "absent";
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.code(id), "SETTINGS_INVALID");
  EXPECT_NE(house.store.row(id).detail.find("absent"), std::string::npos);
}

TEST_F(DispatcherTest, AChannelThatRefusesToOpenIsAskedAgainByTheProbe) {
  house.settings = with_email();
  house.channel->refuse_to_open(fault{"SETTINGS_INVALID", "The port is no number."});
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.code(id), "SETTINGS_INVALID");
  house.pass(4min);
  EXPECT_EQ(house.channel->opens(), 1);
  house.channel->refuse_to_open(std::nullopt);
  house.pass(1min);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
  EXPECT_FALSE(house.paused());
}

TEST_F(DispatcherTest, AFatalFindingOfThePresetPausesTheEndpoint) {
  house.settings = with_email();
  house.settings->add("email", 1).preset = "gmail";
  house.check_settings = [](const endpoint_settings&) {
    return std::optional<fault>(fault{"SETTINGS_INVALID", "This is no app password."});
  };
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.code(id), "SETTINGS_INVALID");
  EXPECT_EQ(house.channel->opens(), 0);
}

TEST_F(DispatcherTest, AChannelThatIsSwitchedOffKeepsWhatItHasUntilItIsOnAgain) {
  house.settings = with_email();
  house.settings->add("email", 1).enabled = false;
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::pending);
  EXPECT_EQ(house.code(id), "");
  house.pass(100h);
  EXPECT_EQ(house.state(id), delivery_state::pending);
  house.change(with_email(2));
  EXPECT_EQ(house.state(id), delivery_state::delivered);
}

TEST_F(DispatcherTest, AnOrganizationsSwitchKeepsItsOwnDeliveriesAlone) {
  house.settings = with_email();
  house.settings->add_view("email", "acme", 5, 1).enabled = false;
  start();
  const auto acme = house.publish({.organization = "acme"});
  const auto other = house.publish({.organization = "other"});
  EXPECT_EQ(house.state(acme), delivery_state::pending);
  EXPECT_EQ(house.state(other), delivery_state::delivered);
  house.change(with_email());
  EXPECT_EQ(house.state(acme), delivery_state::delivered);
}

TEST_F(DispatcherTest, AnOrganizationsViewOfASharedServerIsOpenedOnItsOwn) {
  house.settings = with_email();
  house.settings->add_view("email", "acme", 5, 1);
  start();
  house.publish({.organization = "acme"});
  house.publish({.organization = "other"});
  house.publish({.organization = "acme"});
  const auto seen = house.channel->seen();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(house.channel->opened_as(seen[0].endpoint)->organization, "acme");
  EXPECT_EQ(house.channel->opened_as(seen[1].endpoint)->organization, "");
  EXPECT_EQ(seen[2].endpoint, seen[0].endpoint);
  EXPECT_EQ(house.channel->opens(), 2);
}

TEST_F(DispatcherTest, ASenderThatAnOrganizationGaveItselfDoesNotPauseTheServerThatItShares) {
  house.settings = with_email();
  house.settings->add_view("email", "acme", 5, 1);
  house.channel->say([](const outgoing_message& message) {
    return message.organization == "acme" ? fake_channel::ended(outcome_class::config, "SENDER_REJECTED") : delivered();
  });
  start();
  const auto acme = house.publish({.organization = "acme"});
  const auto other = house.publish({.organization = "other"});
  EXPECT_EQ(house.state(acme), delivery_state::deferred);
  EXPECT_EQ(house.state(other), delivery_state::delivered);
  EXPECT_FALSE(house.paused());
}

TEST_F(DispatcherTest, OldDeliveriesGoByTheSettingsThatAreInForceAtTheAttempt) {
  house.settings = with_email();
  house.channel->say([&](const outgoing_message&) { return house.channel->opens() < 2 ? refused() : delivered(); });
  start();
  const auto id = house.publish({.organization = "acme"});
  auto changed = with_email();
  changed->add_own("email", "acme", 9);
  house.change(changed);
  house.pass(1min);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
  const auto seen = house.channel->seen();
  EXPECT_EQ(house.channel->opened_as(seen.back().endpoint)->key.organization, "acme")
      << "the organization has its own server now, and nothing of it goes through the host's";
  EXPECT_EQ(house.status({"email", ""})->in_flight, 0u);
}

TEST_F(DispatcherTest, AnEndpointWithoutAServerOfItsOwnAnyMoreSendsThroughTheHosts) {
  house.settings = with_email();
  house.settings->add_own("email", "acme", 9);
  house.channel->say([&](const outgoing_message& message) { return message.attempt == 1 ? refused() : delivered(); });
  start();
  const auto id = house.publish({.organization = "acme"});
  house.change(with_email());
  house.pass(1min);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
  EXPECT_EQ(house.channel->opened_as(house.channel->seen().back().endpoint)->key.organization, "");
}

TEST_F(DispatcherTest, AllOfARedirectedBacklogIsTakenUpWhenItEndsWhereItWasSentTo) {
  const auto without_own = [] {
    auto made = with_email();
    made->add("backup", 2);
    return made;
  };
  house.settings = without_own();
  house.settings->add_own("email", "acme", 9);
  house.channel->say([](const auto&) { return refused(); });
  start();
  for (int i = 0; i < 20; ++i) house.publish({.organization = "acme", .next_channels = {"backup"}});
  house.channel->say([](const auto&) { return wrong_password(); });
  house.publish();
  ASSERT_TRUE(house.paused());
  house.channel->say([](const auto&) { return delivered(); });
  house.change(without_own());
  house.pass(1min);
  EXPECT_EQ(house.store.count(delivery_state::superseded), 20u);
  EXPECT_EQ(house.store.count(delivery_state::delivered), 20u);
}

TEST_F(DispatcherTest, NeverMoreThanTheSlotsAreInTheChannelsHands) {
  house.settings = with_email();
  house.channel->slots = 3;
  house.channel->say([](const auto&) { return std::nullopt; });
  start();
  for (int i = 0; i < 20; ++i) house.publish();
  std::size_t done = 0;
  while (done < 20) {
    EXPECT_EQ(house.channel->held(), std::min<std::size_t>(3, 20 - done));
    EXPECT_EQ(house.store.count(delivery_state::sending), house.channel->held()) << "nothing is leased ahead";
    done += house.channel->answer(delivered());
    house.quiet();
  }
  EXPECT_EQ(house.store.count(delivery_state::delivered), 20u);
  EXPECT_EQ(house.status({"email", ""})->in_flight, 0u);
}

TEST_F(DispatcherTest, SevereDeliveriesAreTakenFirstFromTheBacklog) {
  house.settings = with_email();
  house.channel->slots = 1;
  house.channel->say([](const auto&) { return std::nullopt; });
  start();
  house.publish();
  house.publish({.recipient = "info"});
  house.publish({.recipient = "fatal", .level = severity::fatal});
  house.channel->answer(delivered());
  house.quiet();
  EXPECT_EQ(house.channel->seen().back().recipient, "fatal");
}

TEST_F(DispatcherTest, WhatComesBackUntriedIsTriedAgainWithoutCountingAndWithoutSpinning) {
  house.settings = with_email();
  house.channel->say([](const auto&) { return fake_channel::ended(outcome_class::returned, ""); });
  start();
  const auto id = house.publish();
  house.pass(1min);
  const auto row = house.store.row(id);
  EXPECT_EQ(row.attempts, 0u);
  EXPECT_TRUE(row.history.empty());
  EXPECT_LT(house.channel->seen().size(), 40u);
  house.channel->say([](const auto&) { return delivered(); });
  house.pass(5s);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
}

TEST_F(DispatcherTest, KeepsAnOutcomeUntilTheStoreCanWriteIt) {
  house.settings = with_email();
  start();
  house.store.fail_settles(5, "STORE_FULL");
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::sending);
  house.pass(20s);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
  EXPECT_EQ(house.channel->seen().size(), 1u);
}

TEST_F(DispatcherTest, AsksTheStoreAgainWhenALeaseFails) {
  house.settings = with_email();
  house.store.fail_leases(2, "STORE_FULL");
  start();
  const auto id = house.publish();
  EXPECT_EQ(house.state(id), delivery_state::pending);
  house.pass(5s);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
}

TEST_F(DispatcherTest, AStrangersOutcomeIsPassedOver) {
  house.settings = with_email();
  house.channel->say([](const auto&) { return std::nullopt; });
  start();
  const auto id = house.publish();
  auto late = dead();
  late.delivery = id;
  late.attempt = 7;
  house.engine->complete({late});
  late.delivery = delivery_id{12345};
  house.engine->complete({late});
  house.quiet();
  EXPECT_EQ(house.state(id), delivery_state::sending);
  house.channel->answer(delivered());
  house.quiet();
  EXPECT_EQ(house.state(id), delivery_state::delivered);
}

TEST_F(DispatcherTest, AnIdleEndpointIsClosedAndOpensAgain) {
  house.settings = with_email();
  start();
  house.publish();
  EXPECT_EQ(house.channel->open_now().size(), 1u);
  house.pass(11min);
  EXPECT_EQ(house.channel->open_now().size(), 0u);
  EXPECT_TRUE(house.engine->endpoints().empty());
  EXPECT_EQ(house.clock.timers(), 0u);
  EXPECT_EQ(house.state(house.publish()), delivery_state::delivered);
}

TEST_F(DispatcherTest, PausedTimeDoesNotCountTowardsGivingUp) {
  house.settings = with_email();
  house.settings->retry_value = {30s, 1h, 4h};
  int phase = 0;
  house.channel->say([&](const auto&) { return phase == 0 ? wrong_password() : phase == 1 ? refused() : delivered(); });
  start();
  const auto id = house.publish();
  house.pass(10h);
  phase = 1;
  auto other = with_email(2);
  other->retry_value = house.settings->retry_value;
  house.change(other);
  EXPECT_EQ(house.code(id), "TCP_REFUSED");
  house.pass(3h);
  EXPECT_EQ(house.state(id), delivery_state::deferred) << "3 of its 4 hours have run";
  phase = 2;
  house.pass(1h);
  EXPECT_EQ(house.state(id), delivery_state::delivered);
}

TEST_F(DispatcherTest, AnOrganizationsSwitchIsSeenAlsoWhenTheEndpointWasClosedMeanwhile) {
  house.settings = with_email();
  house.settings->add_view("email", "acme", 5, 1).enabled = false;
  start();
  const auto acme = house.publish({.organization = "acme"});
  house.pass(31min);  // looked at after 20 minutes, and due again after 35
  EXPECT_TRUE(house.channel->open_now().empty());
  house.change(with_email());
  EXPECT_EQ(house.state(acme), delivery_state::delivered);
}

// Lines as the log writes them.
struct log_lines {
  log_lines() {
    log::capture(
        [](void* self, std::string_view line) {
          auto& lines = *static_cast<log_lines*>(self);
          const std::lock_guard lock(lines.mutex);
          lines.all.emplace_back(line);
        },
        this);
  }
  ~log_lines() {
    log::capture([](void*, std::string_view) {}, nullptr);
  }

  std::size_t count(std::string_view text) {
    log::flush();
    const std::lock_guard lock(mutex);
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& line) { return line.find(text) != std::string::npos; }));
  }

  std::mutex mutex;
  std::vector<std::string> all;
};

TEST_F(DispatcherTest, WritesALineForADeadDeliveryAndOneForAPause) {
  log_lines lines;
  house.settings = with_email();
  house.channel->say([](const outgoing_message& message) {
    return message.recipient == "nobody@example.org" ? dead() : wrong_password();
  });
  start();
  const auto id = house.publish({.recipient = "nobody@example.org"});
  EXPECT_EQ(lines.count("warn dead delivery=" + to_text(id)), 1u);
  EXPECT_EQ(lines.count("code=RECIPIENT_REJECTED reply=\"550 5.1.1 no\""), 1u);
  house.publish();
  house.pass(20h);
  EXPECT_EQ(lines.count("endpoint paused"), 1u) << "not once a probe";
}

TEST_F(DispatcherTest, AProbeThatItsOrganizationKeepsBackMakesWayForAnother) {
  house.settings = with_email();
  house.settings->add_view("email", "acme", 5, 1).problem = fault{"SETTINGS_INVALID", "The sender is no address."};
  bool wrong = true;
  house.channel->say([&](const auto&) { return wrong ? wrong_password() : delivered(); });
  start();
  const auto other = house.publish();
  const auto acme = house.publish({.organization = "acme"});
  house.publish();  // so that it is acme's turn
  ASSERT_TRUE(house.paused());
  wrong = false;
  const auto leases = house.store.leases();
  house.pass(5min);  // the probe takes what has its turn, and that cannot be tried
  EXPECT_TRUE(house.paused());
  EXPECT_EQ(house.code(acme), "SETTINGS_INVALID");
  EXPECT_LE(house.store.leases() - leases, 2u);
  house.pass(30s);
  EXPECT_FALSE(house.paused());
  EXPECT_EQ(house.state(other), delivery_state::delivered);
  EXPECT_EQ(house.state(acme), delivery_state::deferred);
}

TEST_F(DispatcherTest, AProbeThatGoesToAnEndpointThatIsOffMakesWayForAnother) {
  house.settings = with_email();
  bool wrong = true;
  house.channel->say([&](const auto&) { return wrong ? wrong_password() : delivered(); });
  start();
  const auto other = house.publish();
  const auto acme = house.publish({.organization = "acme"});
  house.publish();  // so that it is acme's turn
  ASSERT_TRUE(house.paused());
  auto changed = with_email();
  changed->add_own("email", "acme", 9).enabled = false;
  house.change(changed);
  wrong = false;
  const auto leases = house.store.leases();
  house.pass(5min);
  EXPECT_TRUE(house.paused());
  EXPECT_LE(house.store.leases() - leases, 2u);
  house.pass(30s);
  EXPECT_FALSE(house.paused());
  EXPECT_EQ(house.state(other), delivery_state::delivered);
  EXPECT_EQ(house.state(acme), delivery_state::deferred);
}

TEST_F(DispatcherTest, WhatIsTriedEarlyAndKeptBackIsNotTakenAgainAtOnce) {
  house.settings = with_email();
  house.settings->add_view("email", "acme", 5, 1).problem = fault{"SETTINGS_INVALID", "The sender is no address."};
  house.channel->slots = 1;
  bool wrong = true;
  house.channel->say([&](const auto&) { return wrong ? wrong_password() : delivered(); });
  start();
  const auto first = house.publish({.level = severity::fatal});
  ASSERT_TRUE(house.paused());
  const auto last = house.publish();
  house.publish({.organization = "acme"});
  const auto ends = house.publish({.organization = "acme", .lives = 40min});
  house.publish({.organization = "acme"});
  wrong = false;
  house.pass(5min);
  EXPECT_EQ(house.state(first), delivery_state::delivered);
  house.pass(40min);
  EXPECT_EQ(house.state(last), delivery_state::delivered);
  EXPECT_EQ(house.state(ends), delivery_state::expired);
  EXPECT_EQ(house.store.count(delivery_state::deferred), 2u);
}

// --- over a restart ---

TEST(DispatcherRestart, WhatWasInAChannelsHandsIsUncertainAndKeepsItsMessageId) {
  const auto disk = std::make_shared<fake_disk>();
  delivery_id id{};
  std::string message_id;
  {
    delivery_house before(disk);
    before.settings = with_email();
    before.channel->say([](const auto&) { return std::nullopt; });
    before.start();
    id = before.publish();
    message_id = before.channel->seen().at(0).message_id;
  }
  delivery_house after(disk);
  after.settings = with_email();
  after.start();
  const auto row = after.store.row(id);
  EXPECT_EQ(row.state, delivery_state::delivered);
  EXPECT_TRUE(row.uncertain);
  EXPECT_EQ(after.channel->seen().at(0).message_id, message_id);
}

TEST(DispatcherRestart, APauseIsKeptAndEndsByOtherSettings) {
  const auto disk = std::make_shared<fake_disk>();
  delivery_id id{};
  {
    delivery_house before(disk);
    before.settings = with_email(1);
    before.channel->say([](const auto&) { return wrong_password(); });
    before.start();
    id = before.publish();
  }
  {
    delivery_house same(disk, manual_clock::start_time + 60'000);
    same.settings = with_email(1);
    same.start();
    EXPECT_TRUE(same.paused());
    EXPECT_TRUE(same.channel->seen().empty());
    EXPECT_EQ(same.state(id), delivery_state::deferred);
  }
  delivery_house mended(disk, manual_clock::start_time + 120'000);
  mended.settings = with_email(2);
  mended.start();
  EXPECT_FALSE(mended.paused());
  EXPECT_EQ(mended.state(id), delivery_state::delivered);
}

TEST(DispatcherRestart, APauseThatEndedIsStillNotCountedTowardsGivingUp) {
  const auto disk = std::make_shared<fake_disk>();
  const auto give_up_after_4_hours = [](std::uint64_t fingerprint) {
    auto made = with_email(fingerprint);
    made->retry_value = {30s, 1h, 4h};
    return made;
  };
  delivery_id id{};
  time_ms now = 0;
  {
    delivery_house before(disk);
    before.settings = give_up_after_4_hours(1);
    bool wrong = true;
    before.channel->say([&](const auto&) { return wrong ? wrong_password() : refused(); });
    before.start();
    id = before.publish();
    before.pass(10h);
    wrong = false;
    before.change(give_up_after_4_hours(2));
    EXPECT_EQ(before.code(id), "TCP_REFUSED");
    now = before.clock.now();
  }
  delivery_house after(disk, now);
  after.settings = give_up_after_4_hours(2);
  after.channel->say([](const auto&) { return refused(); });
  after.start();
  after.pass(1h);
  EXPECT_EQ(after.state(id), delivery_state::deferred);
  after.pass(4h);
  EXPECT_EQ(after.state(id), delivery_state::dead);
}

TEST(DispatcherRestart, TakesUpTheBacklogWhenItIsDue) {
  const auto disk = std::make_shared<fake_disk>();
  std::vector<delivery_id> ids;
  {
    delivery_house before(disk);
    before.settings = with_email();
    before.channel->say([](const auto&) { return refused(); });
    before.start();
    ids.push_back(before.publish());
    before.pass(10s);
    ids.push_back(before.publish());
  }
  delivery_house after(disk, manual_clock::start_time + 10'000);
  after.settings = with_email();
  after.start();
  EXPECT_TRUE(after.channel->seen().empty());
  after.pass(20s);
  EXPECT_EQ(after.state(ids[0]), delivery_state::delivered);
  EXPECT_EQ(after.state(ids[1]), delivery_state::deferred);
  after.pass(10s);
  EXPECT_EQ(after.state(ids[1]), delivery_state::delivered);
}

// --- draining ---

TEST_F(DispatcherTest, DrainWaitsForWhatIsUnderWayAndBeginsNothing) {
  house.settings = with_email();
  house.channel->slots = 2;
  house.channel->say([](const auto&) { return std::nullopt; });
  start();
  for (int i = 0; i < 5; ++i) house.publish();
  bool drained = false;
  house.engine->drain(8s, [&] { drained = true; });
  house.quiet();
  EXPECT_FALSE(drained);
  house.channel->answer(delivered());
  house.quiet();
  EXPECT_TRUE(drained);
  EXPECT_EQ(house.channel->seen().size(), 2u);
  EXPECT_EQ(house.store.count(delivery_state::delivered), 2u);
  EXPECT_EQ(house.store.count(delivery_state::pending), 3u);
  EXPECT_TRUE(house.channel->open_now().empty());
}

TEST_F(DispatcherTest, DrainTakesBackWhatDoesNotEndInTime) {
  house.settings = with_email();
  house.channel->say([](const auto&) { return std::nullopt; });
  start();
  const auto id = house.publish();
  bool drained = false;
  house.engine->drain(8s, [&] { drained = true; });
  house.pass(8s);
  EXPECT_TRUE(drained);
  EXPECT_EQ(house.channel->cancels(), 1);
  EXPECT_EQ(house.state(id), delivery_state::pending);
  EXPECT_FALSE(house.store.row(id).uncertain);
}

TEST_F(DispatcherTest, DrainEndsAlsoWhenAChannelGivesNothingBack) {
  house.settings = with_email();
  house.channel->say([](const auto&) { return std::nullopt; });
  house.channel->be_stubborn();
  start();
  house.publish();
  int drained = 0;
  house.engine->drain(8s, [&] { ++drained; });
  house.pass(10s);
  EXPECT_EQ(drained, 1);
}

TEST_F(DispatcherTest, DrainOfAnIdleDispatcherEndsAtOnce) {
  house.settings = with_email();
  start();
  bool drained = false;
  house.engine->drain(8s, [&] { drained = true; });
  house.quiet();
  EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace tocsin::test
