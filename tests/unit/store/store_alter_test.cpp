// What operators do to deliveries: retry, drop, replay.
#include "tests/unit/store/store_fixture.hpp"

namespace tocsin::test {
namespace {

class StoreAlter : public Store {
 protected:
  alteration_result act(delivery_action action, std::int64_t id, time_ms at = now + 5'000) {
    alteration what;
    what.action = action;
    what.id = delivery_id{id};
    what.now = at;
    return alter(std::move(what));
  }
  alteration_result act(delivery_action action, delivery_filter filter, time_ms at = now + 5'000) {
    alteration what;
    what.action = action;
    what.filter = std::move(filter);
    what.now = at;
    return alter(std::move(what));
  }
  alteration_result alter(alteration what) {
    auto made = answer_of<alteration_result>([&](auto done) { store_->alter(std::move(what), done); });
    EXPECT_TRUE(made);
    return made ? *made : alteration_result();
  }
  // The delivery 10 * event of a new event, ended or put off as told.
  void make(std::int64_t event, delivery_state state, std::optional<time_ms> gives_up = {}, bool sensitive = false) {
    auto batch = one_of(event);
    batch.items[0].sensitive = sensitive;
    batch.items[0].deliveries[0].give_up_at = gives_up;
    ASSERT_TRUE(calls().accept(std::move(batch)));
    ASSERT_EQ(1u, lease(1).size());
    auto value = settled(event * 10, state, "RECIPIENT_DEFERRED");
    if (!is_final(state)) value.next_attempt = now + day;
    ASSERT_TRUE(calls().settle({value}));
  }
  void expect_counters_to_equal_rows() {
    store_.reset();
    EXPECT_EQ(look(file(),
                   "SELECT organization, state, count(*) FROM delivery GROUP BY 1, 2 UNION ALL"
                   " SELECT 0, state, count(*) FROM delivery GROUP BY 2 ORDER BY 1, 2"),
              look(file(), "SELECT organization, state, value FROM counter WHERE value <> 0 ORDER BY 1, 2"));
    open();
  }
};

TEST_F(StoreAlter, ARetryMakesWhatWaitsDueNow) {
  make(1, delivery_state::deferred);
  EXPECT_TRUE(lease(1, now + 5'000).empty());
  const auto made = act(delivery_action::retry, 10);
  EXPECT_EQ(1u, made.matched);
  EXPECT_EQ(1u, made.changed);
  EXPECT_EQ((std::vector<endpoint_key>{{"email", ""}}), made.endpoints);
  EXPECT_EQ(now + 5'000, record(10).next_attempt);
  EXPECT_EQ(delivery_state::deferred, record(10).state);
  EXPECT_EQ(1u, lease(1, now + 5'000).size());
}

TEST_F(StoreAlter, ARetryGivesADeadOneAnotherAttemptAndKeepsItsHistory) {
  make(1, delivery_state::dead);
  EXPECT_EQ(1u, act(delivery_action::retry, 10).changed);
  const auto found = record(10);
  EXPECT_EQ(delivery_state::pending, found.state);
  EXPECT_EQ(1u, found.attempts);
  ASSERT_EQ(2u, found.history.size());
  EXPECT_EQ("RECIPIENT_DEFERRED", found.history[0].code);
  EXPECT_EQ("RETRIED", found.history[1].code);
  EXPECT_EQ(now + 5'000, found.history[1].at);
  const auto leased = lease(1, now + 5'000);
  ASSERT_EQ(1u, leased.size());
  EXPECT_EQ(now, leased[0].created);
  ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK", 2)}));
  EXPECT_EQ(3u, record(10).history.size());
  EXPECT_EQ("OK", record(10).history[2].code);
  expect_counters_to_equal_rows();
}

TEST_F(StoreAlter, AReplayBeginsAnewAsIfTheEventHadBeenAcceptedNow) {
  make(1, delivery_state::dead, now + 1'000);
  EXPECT_EQ(1u, act(delivery_action::replay, 10).changed);
  const auto leased = lease(1, now + 5'000);
  ASSERT_EQ(1u, leased.size());
  EXPECT_EQ(0u, leased[0].attempts);
  EXPECT_EQ(now + 5'000, leased[0].created);
  EXPECT_EQ(now + 6'000, leased[0].expires);
  EXPECT_EQ("10@mail.example.org", leased[0].message_id);
  EXPECT_EQ("REPLAYED", record(10).history.back().code);
}

TEST_F(StoreAlter, AReplayTakesWhatExpiredOrWasDroppedAndARetryDoesNot) {
  make(1, delivery_state::expired, now + 1'000);
  make(2, delivery_state::deferred);
  EXPECT_EQ(1u, act(delivery_action::drop, 20).changed);
  for (const std::int64_t id : {10, 20}) {
    const auto refused = act(delivery_action::retry, id);
    ASSERT_TRUE(refused.refusal);
    EXPECT_EQ("DELIVERY_FINAL", refused.refusal->code);
    EXPECT_NE(std::string::npos, refused.refusal->remedy.find("Replay"));
    EXPECT_EQ(1u, act(delivery_action::replay, id).changed);
    EXPECT_EQ(delivery_state::pending, record(id).state);
  }
}

TEST_F(StoreAlter, ARetryOfADeadOneWhoseTimeToLiveRanOutIsRefused) {
  make(1, delivery_state::dead, now + 1'000);
  EXPECT_EQ("EVENT_EXPIRED", act(delivery_action::retry, 10).refusal->code);
  EXPECT_EQ(delivery_state::dead, record(10).state);
}

TEST_F(StoreAlter, ADropEndsWhatWaits) {
  make(1, delivery_state::deferred);
  const auto made = act(delivery_action::drop, 10);
  EXPECT_EQ(1u, made.changed);
  EXPECT_TRUE(made.endpoints.empty());
  EXPECT_EQ(delivery_state::dropped, record(10).state);
  EXPECT_EQ(std::nullopt, record(10).next_attempt);
  EXPECT_EQ("DROPPED", record(10).history.back().code);
  EXPECT_TRUE(lease(1, now + 2 * day).empty());
  expect_counters_to_equal_rows();
}

TEST_F(StoreAlter, WhatIsBeingSentIsLeftToItsChannel) {
  ASSERT_TRUE(calls().accept(one_of(1)));
  ASSERT_EQ(1u, lease().size());
  for (const auto action : {delivery_action::retry, delivery_action::drop, delivery_action::replay}) {
    const auto made = act(action, 10);
    EXPECT_EQ(0u, made.changed);
    EXPECT_EQ("DELIVERY_SENDING", made.refusal->code);
  }
  ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK")}));
  EXPECT_EQ("DELIVERY_FINAL", act(delivery_action::drop, 10).refusal->code);
}

TEST_F(StoreAlter, ASensitiveEventThatWasErasedIsNotReplayed) {
  make(1, delivery_state::dead, {}, true);
  const auto made = act(delivery_action::replay, 10);
  EXPECT_EQ(1u, made.matched);
  EXPECT_EQ(0u, made.changed);
  EXPECT_EQ("EVENT_ERASED", made.refusal->code);
}

TEST_F(StoreAlter, DroppingTheLastDeliveryOfASensitiveEventErasesIt) {
  make(1, delivery_state::deferred, {}, true);
  EXPECT_EQ(1u, act(delivery_action::drop, 10).changed);
  store_.reset();
  EXPECT_EQ(1, look(file(), "SELECT payload IS NULL FROM event")[0][0]);
}

TEST_F(StoreAlter, AnActionOnManyTakesWhatMatchesInTheUsualStates) {
  make(1, delivery_state::deferred);
  make(2, delivery_state::dead);
  make(3, delivery_state::delivered);
  ASSERT_TRUE(calls().accept(one_of(4)));
  const auto retried = act(delivery_action::retry, delivery_filter());
  EXPECT_EQ(2u, retried.matched);
  EXPECT_EQ(delivery_state::dead, record(20).state);
  EXPECT_EQ(1u, act(delivery_action::retry, delivery_filter{.state = delivery_state::dead}).changed);
  EXPECT_EQ(0u, act(delivery_action::drop, delivery_filter{.event_id = "e3"}).matched);
  EXPECT_EQ(1u, act(delivery_action::drop, delivery_filter{.event_id = "e1"}).changed);
  EXPECT_EQ(0u, act(delivery_action::drop, delivery_filter{.recipient = "nobody@example.org"}).matched);
  EXPECT_EQ(2u, act(delivery_action::drop, delivery_filter{.recipient = "ops@example.org"}).changed);
  expect_counters_to_equal_rows();
}

TEST_F(StoreAlter, AnUnknownDeliveryMatchesNothing) { EXPECT_EQ(0u, act(delivery_action::retry, 77).matched); }

// Thousands of rows, over more than one step, by each of the ways in which a search goes.
TEST_F(StoreAlter, ManyAreAlteredInStepsBetweenWhichOthersAreServed) {
  std::vector<new_delivery> deliveries;
  for (std::int64_t id = 1'001; id <= 3'000; ++id) deliveries.push_back(make_delivery(id));
  ASSERT_TRUE(calls().accept(make_batch({make_item(1'000, make_event("big"), std::move(deliveries))})));
  EXPECT_EQ(2'000u, act(delivery_action::drop, delivery_filter{.event_id = "big"}).changed);
  EXPECT_EQ(2'000u, act(delivery_action::replay, delivery_filter{.state = delivery_state::dropped}).changed);
  std::promise<void> served;
  alteration all;
  all.action = delivery_action::drop;
  all.filter.organization = "acme";
  all.now = now;
  std::promise<result<alteration_result>> made;
  store_->alter(std::move(all), [&](result<alteration_result> answer) { made.set_value(std::move(answer)); });
  ASSERT_TRUE(calls().accept(one_of(9'000)));  // while it goes on
  EXPECT_EQ(2'000u, made.get_future().get()->changed);
  EXPECT_EQ(delivery_state::pending, record(90'000).state);
  expect_counters_to_equal_rows();
}

}  // namespace
}  // namespace tocsin::test
