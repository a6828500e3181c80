// Who gets which deliveries, and in which order.
#include "tests/unit/store/store_fixture.hpp"

namespace tocsin::test {
namespace {

using StoreLease = Store;

std::vector<std::int64_t> ids(const std::vector<leased_delivery>& leased) {
  std::vector<std::int64_t> out;
  for (const auto& each : leased) out.push_back(static_cast<std::int64_t>(each.id));
  return out;
}

TEST_F(StoreLease, HandsOutADeliveryWithAllThatAnAttemptNeeds) {
  auto payload = make_event("42");
  payload.subject = "Robots";
  payload.recipient = "someone@example.org";
  payload.severity = severity::error;
  payload.time = now - 5;
  payload.expires = now + day;
  payload.attributes["tenantkey"] = "7";
  auto delivery = make_delivery(10, {"email", "acme"});
  delivery.next_channels = {"backup", "f\"ile"};
  delivery.give_up_at = now + day;
  ASSERT_TRUE(calls().accept(make_batch({make_item(1, payload, {delivery})})));

  const auto leased = lease(10, now, {"email", "acme"});
  ASSERT_EQ(1u, leased.size());
  const auto& got = leased.front();
  EXPECT_EQ(delivery_id{10}, got.id);
  EXPECT_EQ(event_id{1}, got.event);
  EXPECT_EQ((endpoint_key{"email", "acme"}), got.endpoint);
  EXPECT_EQ("acme", got.organization);
  EXPECT_EQ("ops@example.org", got.recipient);
  EXPECT_EQ("default", got.template_name);
  EXPECT_EQ("en", got.language);
  EXPECT_EQ("operators", got.route);
  EXPECT_EQ("10@mail.example.org", got.message_id);
  EXPECT_EQ(delivery.next_channels, got.next_channels);
  EXPECT_EQ(0u, got.attempts);
  EXPECT_FALSE(got.uncertain);
  EXPECT_EQ(now, got.created);
  EXPECT_EQ(now + day, got.expires);
  EXPECT_EQ("", got.last_code);
  ASSERT_NE(nullptr, got.payload);
  EXPECT_EQ(payload, *got.payload);
  EXPECT_EQ(delivery_state::sending, record(10).state);
}

TEST_F(StoreLease, HandsOutADeliveryOnlyOnce) {
  ASSERT_TRUE(calls().accept(one_of(1)));
  EXPECT_EQ(1u, lease().size());
  EXPECT_TRUE(lease().empty());
  EXPECT_TRUE(lease(100, now + 30 * day).empty()) << "its owner is alive: only a restart ends its lease";
}

TEST_F(StoreLease, TakesTheMostSevereFirstAndThenWhatIsDueLongest) {
  ASSERT_TRUE(calls().accept(one_of(1, severity::info)));
  ASSERT_TRUE(calls().accept(one_of(2, severity::fatal)));
  ASSERT_TRUE(calls().accept(one_of(3, severity::warn)));
  auto early = one_of(4, severity::warn);
  early.items.front().accepted = now - 1'000;
  ASSERT_TRUE(calls().accept(early));
  EXPECT_EQ((std::vector<std::int64_t>{20, 40, 30, 10}), ids(lease()));
}

TEST_F(StoreLease, TakesNoMoreThanTheLimit) {
  for (int at = 1; at <= 5; ++at) ASSERT_TRUE(calls().accept(one_of(at, at == 5 ? severity::fatal : severity::info)));
  EXPECT_EQ((std::vector<std::int64_t>{50, 10, 20}), ids(lease(3)));
  EXPECT_TRUE(lease(0).empty());
  EXPECT_EQ((std::vector<std::int64_t>{30, 40}), ids(lease(3)));
}

TEST_F(StoreLease, TakesOnlyWhatIsDue) {
  ASSERT_TRUE(calls().accept(one_of(1)));
  ASSERT_EQ(1u, lease().size());
  auto later = settled(10, delivery_state::deferred, "TCP_REFUSED");
  later.next_attempt = now + 60'000;
  ASSERT_TRUE(calls().settle({later}));
  EXPECT_TRUE(lease(100, now + 59'999).empty());
  const auto leased = lease(100, now + 60'000);
  ASSERT_EQ(1u, leased.size());
  EXPECT_EQ(1u, leased.front().attempts);
  EXPECT_EQ("TCP_REFUSED", leased.front().last_code);
}

TEST_F(StoreLease, TakesOnlyTheEndpointsOwn) {
  ASSERT_TRUE(calls().accept(one_of(1, severity::info, {"email", ""})));
  ASSERT_TRUE(calls().accept(one_of(2, severity::info, {"email", "acme"})));
  ASSERT_TRUE(calls().accept(one_of(3, severity::info, {"chat", ""})));
  EXPECT_EQ((std::vector<std::int64_t>{20}), ids(lease(100, now, {"email", "acme"})));
  EXPECT_EQ((std::vector<std::int64_t>{10}), ids(lease(100, now, {"email", ""})));
  EXPECT_TRUE(lease(100, now, {"unheard-of", ""}).empty());
}

TEST_F(StoreLease, SharesThePayloadOfAnEventAmongItsDeliveries) {
  ASSERT_TRUE(calls().accept(make_batch({make_item(1, make_event("42"), {make_delivery(10), make_delivery(11)})})));
  const auto leased = lease();
  ASSERT_EQ(2u, leased.size());
  EXPECT_EQ(leased[0].payload, leased[1].payload);
}

TEST_F(StoreLease, SaysOnWhichEndpointsSomethingWaitsAndWhenTheFirstIsDue) {
  ASSERT_TRUE(calls().accept(one_of(1, severity::info, {"email", ""})));
  ASSERT_TRUE(calls().accept(one_of(2, severity::fatal, {"email", ""})));
  ASSERT_TRUE(calls().accept(one_of(3, severity::info, {"chat", "acme"})));
  ASSERT_TRUE(calls().accept(one_of(4, severity::info, {"idle", ""})));
  ASSERT_EQ(1u, lease(2, now, {"idle", ""}).size());
  ASSERT_EQ(1u, lease(1, now, {"email", ""}).size());  // the fatal one
  auto later = settled(20, delivery_state::deferred, "TCP_REFUSED");
  later.next_attempt = now + 60'000;
  ASSERT_TRUE(calls().settle({later}));

  auto backlog = calls().backlog();
  ASSERT_TRUE(backlog);
  ASSERT_EQ(2u, backlog->size());
  EXPECT_EQ((endpoint_key{"email", ""}), backlog->at(0).endpoint);
  EXPECT_GE(now, backlog->at(0).next_attempt);
  EXPECT_EQ((endpoint_key{"chat", "acme"}), backlog->at(1).endpoint);

  ASSERT_EQ(1u, lease(2, now, {"email", ""}).size());
  EXPECT_EQ(now + 60'000, *calls().next_due({"email", ""}));
  EXPECT_EQ(std::nullopt, *calls().next_due({"idle", ""}));
  EXPECT_EQ(std::nullopt, *calls().next_due({"unheard-of", ""}));
}

TEST_F(StoreLease, GivesBackAtARestartWhatWasInAChannelsHandsAsUncertain) {
  auto direct = make_delivery(30);
  direct.leased = true;
  ASSERT_TRUE(calls().accept(one_of(1)));
  ASSERT_TRUE(calls().accept(one_of(2, severity::info, {"chat", ""})));
  ASSERT_TRUE(calls().accept(make_batch({make_item(3, make_event("3"), {direct})})));
  ASSERT_EQ(1u, lease().size());
  store_.reset();

  auto opened = open_sqlite_store(folder_.path() / "state", "another.example.org");
  ASSERT_TRUE(opened);
  store_ = std::move(*opened);
  auto found = calls().recover(now + 5'000);
  ASSERT_TRUE(found);
  EXPECT_EQ(2u, found->interrupted);
  EXPECT_EQ(30, found->last_identifier);
  EXPECT_EQ("mail.example.org", found->message_host) << "the one that the store was made with";

  const auto interrupted = record(10);
  EXPECT_EQ(delivery_state::pending, interrupted.state);
  EXPECT_TRUE(interrupted.uncertain);
  EXPECT_EQ(1u, interrupted.attempts);
  EXPECT_EQ("10@mail.example.org", interrupted.message_id);
  EXPECT_FALSE(record(20).uncertain);
  EXPECT_EQ(0u, record(20).attempts);
  EXPECT_EQ(3u, count_of(*calls().counts(), delivery_state::pending));
  EXPECT_EQ(0u, count_of(*calls().counts(), delivery_state::sending));
  EXPECT_EQ((std::vector<std::int64_t>{10, 30}), ids(lease(100, now + 5'000)));
}

}  // namespace
}  // namespace tocsin::test
