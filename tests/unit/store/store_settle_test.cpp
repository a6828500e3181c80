// What attempts came to, and the pauses of endpoints.
#include "tests/unit/store/store_fixture.hpp"

namespace tocsin::test {
namespace {

class StoreSettle : public Store {
 protected:
  void SetUp() override {
    Store::SetUp();
    ASSERT_TRUE(calls().accept(one_of(1)));
    ASSERT_EQ(1u, lease().size());
  }
};

TEST_F(StoreSettle, WritesDownADeliverysEnd) {
  auto done = settled(10, delivery_state::delivered, "OK");
  done.server_reply = "250 2.0.0 Ok: queued";
  ASSERT_TRUE(calls().settle({done}));
  const auto found = record(10);
  EXPECT_EQ(delivery_state::delivered, found.state);
  EXPECT_EQ(1u, found.attempts);
  EXPECT_EQ("OK", found.code);
  EXPECT_EQ("250 2.0.0 Ok: queued", found.server_reply);
  EXPECT_EQ(std::nullopt, found.next_attempt);
  ASSERT_EQ(1u, found.history.size());
  EXPECT_EQ(now + 1'000, found.history.front().at);
  EXPECT_EQ("OK", found.history.front().code);
  EXPECT_EQ(1u, count_of(*calls().counts("acme"), delivery_state::delivered));
  EXPECT_EQ(0u, count_of(*calls().counts("acme"), delivery_state::sending));
}

TEST_F(StoreSettle, KeepsEveryAttemptInItsOrder) {
  for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
    auto value = settled(10, delivery_state::deferred, "TRY_" + std::to_string(attempt), attempt);
    value.at = now + attempt;
    value.detail = "detail " + std::to_string(attempt);
    value.next_attempt = now;
    ASSERT_TRUE(calls().settle({value}));
    ASSERT_EQ(1u, lease().size());
  }
  const auto found = record(10);
  ASSERT_EQ(3u, found.history.size());
  for (std::size_t at = 0; at < 3; ++at) {
    EXPECT_EQ(now + static_cast<time_ms>(at) + 1, found.history[at].at);
    EXPECT_EQ("TRY_" + std::to_string(at + 1), found.history[at].code);
    EXPECT_EQ("detail " + std::to_string(at + 1), found.history[at].detail);
  }
  EXPECT_EQ("TRY_3", found.code);
}

TEST_F(StoreSettle, WritesNoLineOfHistoryForWhatWasNoAttempt) {
  auto first = settled(10, delivery_state::deferred, "TCP_REFUSED");
  first.next_attempt = now;
  ASSERT_TRUE(calls().settle({first}));
  ASSERT_EQ(1u, lease().size());
  auto expired = settled(10, delivery_state::expired, "EXPIRED");
  expired.record_attempt = false;
  ASSERT_TRUE(calls().settle({expired}));
  const auto found = record(10);
  EXPECT_EQ("EXPIRED", found.code);
  ASSERT_EQ(1u, found.history.size());
  EXPECT_EQ("TCP_REFUSED", found.history.front().code);
}

TEST_F(StoreSettle, LeavesTheLastReportWhereNothingNewIsReported) {
  auto first = settled(10, delivery_state::deferred, "TCP_REFUSED");
  first.next_attempt = now;
  ASSERT_TRUE(calls().settle({first}));
  ASSERT_EQ(1u, lease().size());
  auto returned = settled(10, delivery_state::deferred, "", 1);
  returned.record_attempt = false;
  ASSERT_TRUE(calls().settle({returned}));
  EXPECT_EQ("TCP_REFUSED", record(10).code);
  EXPECT_EQ(1u, record(10).history.size());
}

TEST_F(StoreSettle, PassesOverADeliveryThatIsNotLeasedAnyMore) {
  ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK")}));
  ASSERT_TRUE(
      calls().settle({settled(10, delivery_state::dead, "LATE", 2), settled(999, delivery_state::dead, "NONE")}));
  EXPECT_EQ(delivery_state::delivered, record(10).state);
  EXPECT_EQ("OK", record(10).code);
  EXPECT_EQ(0u, count_of(*calls().counts(), delivery_state::dead));
}

TEST_F(StoreSettle, PassesOverALeaseOfAnEarlierRun) {
  reopen();
  ASSERT_TRUE(calls().settle({settled(10, delivery_state::delivered, "OK")}));
  EXPECT_EQ(delivery_state::pending, record(10).state);
}

TEST_F(StoreSettle, WritesTheDeliveryThatTakesOverInTheSameCommit) {
  auto over = settled(10, delivery_state::superseded, "RECIPIENT_REJECTED");
  over.successor = make_delivery(50, {"backup", "acme"});
  ASSERT_TRUE(calls().settle({over}));
  EXPECT_EQ(delivery_state::superseded, record(10).state);
  EXPECT_EQ(delivery_id{50}, record(10).superseded_by);
  const auto next = record(50);
  EXPECT_EQ(delivery_state::pending, next.state);
  EXPECT_EQ(event_id{1}, next.event);
  EXPECT_EQ("acme", next.organization);
  EXPECT_EQ(now + 1'000, next.created) << "its own time to give up begins now";
  const auto leased = lease(1, now + 1'000, {"backup", "acme"});
  ASSERT_EQ(1u, leased.size());
  EXPECT_EQ("e1", leased.front().payload->id);
}

TEST_F(StoreSettle, TwoDeliveriesThatFailOverToTheSameChannelBecomeOne) {
  const endpoint_key sms{"sms", ""};
  const endpoint_key backup{"backup", ""};
  ASSERT_TRUE(calls().accept(make_batch({make_item(
      2, make_event("e2"),
      {make_delivery(20), make_delivery(21, sms), make_delivery(22, sms, "other@example.org"), make_delivery(23)})})));
  ASSERT_EQ(2u, lease().size());
  ASSERT_EQ(2u, lease(100, now, sms).size());
  const auto over = [&](std::int64_t from, std::int64_t to, std::string recipient) {
    auto value = settled(from, delivery_state::superseded, "RECIPIENT_REJECTED");
    value.successor = make_delivery(to, backup, std::move(recipient));
    ASSERT_TRUE(calls().settle({value}));
  };
  over(20, 50, "ops@example.org");
  over(21, 51, "ops@example.org");
  over(22, 52, "other@example.org");
  EXPECT_EQ(delivery_id{50}, record(20).superseded_by);
  EXPECT_EQ(delivery_id{50}, record(21).superseded_by);
  EXPECT_EQ(delivery_id{52}, record(22).superseded_by) << "another recipient";
  ASSERT_EQ(2u, lease(100, now + 1'000, backup).size());
  ASSERT_TRUE(calls().settle({settled(50, delivery_state::dead, "RECIPIENT_REJECTED")}));
  over(23, 53, "ops@example.org");
  EXPECT_EQ(delivery_id{53}, record(23).superseded_by) << "nothing got through there, and this one may go further";
}

TEST_F(StoreSettle, KeepsOldStateWhereTheSuccessorCannotBeWritten) {
  ASSERT_TRUE(calls().accept(one_of(2)));
  auto over = settled(10, delivery_state::superseded, "RECIPIENT_REJECTED");
  over.successor = make_delivery(20);  // taken
  auto answer = calls().settle({over});
  ASSERT_FALSE(answer);
  EXPECT_EQ("STORE_REFUSED", answer.error().code);
  EXPECT_EQ(delivery_state::sending, record(10).state);
}

TEST_F(StoreSettle, StaysUncertainAsItIsTold) {
  auto lost = settled(10, delivery_state::deferred, "SERVER_CLOSED");
  lost.uncertain = true;
  lost.next_attempt = now;
  ASSERT_TRUE(calls().settle({lost}));
  EXPECT_TRUE(record(10).uncertain);
  const auto leased = lease();
  ASSERT_EQ(1u, leased.size());
  EXPECT_TRUE(leased.front().uncertain);
}

TEST_F(StoreSettle, KeepsPausesOverARestartUntilTheyAreCleared) {
  endpoint_pause pause{{"email", "acme"}, "AUTH_REJECTED", "535 no", now, now + 300'000, 2, 0xfedcba9876543210u};
  ASSERT_TRUE(calls().save_pause(pause));
  pause.probes = 3;
  ASSERT_TRUE(calls().save_pause(pause));
  ASSERT_TRUE(calls().save_pause({{"chat", ""}, "TCP_REFUSED", "", now, now, 0, 1}));
  ASSERT_TRUE(calls().clear_pause({"chat", ""}));
  ASSERT_TRUE(calls().clear_pause({"unheard-of", ""}));
  auto found = calls().recover();
  ASSERT_TRUE(found);
  ASSERT_EQ(1u, found->pauses.size());
  const auto& kept = found->pauses.front();
  EXPECT_EQ(pause.endpoint, kept.endpoint);
  EXPECT_EQ("AUTH_REJECTED", kept.code);
  EXPECT_EQ("535 no", kept.detail);
  EXPECT_EQ(now, kept.since);
  EXPECT_EQ(now + 300'000, kept.probe_at);
  EXPECT_EQ(3u, kept.probes);
  EXPECT_EQ(0xfedcba9876543210u, kept.server_fingerprint);
}

}  // namespace
}  // namespace tocsin::test
