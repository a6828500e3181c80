// Organizations that share an endpoint take turns, one delivery a turn, whatever each of them has waiting.
#include "tests/unit/store/store_fixture.hpp"

#include <map>

namespace tocsin::test {
namespace {

class StoreTurns : public Store {
 protected:
  // Events of the organization, each with one delivery over the shared endpoint.
  void publish(const std::string& organization, int count, severity how = severity::info) {
    std::vector<accept_item> items;
    for (; count > 0; --count) {
      auto payload = make_event("e" + std::to_string(++last_), organization);
      payload.severity = how;
      items.push_back(make_item(last_, std::move(payload), {make_delivery(last_)}));
    }
    ASSERT_TRUE(calls().accept(make_batch(std::move(items))));
  }

  // Whose deliveries a lease takes, in its order.
  std::string take(std::uint32_t limit, time_ms at = now) {
    std::string out;
    for (const auto& one : lease(limit, at)) {
      out += one.organization;
      last_taken_[one.organization] = static_cast<std::int64_t>(one.id);
    }
    return out;
  }

  void defer(const std::string& organization, time_ms until) {
    auto later = settled(last_taken_.at(organization), delivery_state::deferred, "TCP_REFUSED");
    later.next_attempt = until;
    ASSERT_TRUE(calls().settle({later}));
  }

  std::int64_t last_ = 0;
  std::map<std::string, std::int64_t> last_taken_;
};

TEST_F(StoreTurns, AreSharedEquallyWithinALease) {
  publish("a", 50);
  publish("b", 50);
  publish("c", 2);
  EXPECT_EQ("abcabcabab", take(10));
}

TEST_F(StoreTurns, GoOnWhereTheLastLeaseEnded) {
  publish("a", 50);
  publish("b", 50);
  publish("c", 50);
  EXPECT_EQ("ab", take(2));
  EXPECT_EQ("ca", take(2));
  EXPECT_EQ("b", take(1));
  EXPECT_EQ("cabc", take(4)) << "whoever was passed over in one lease is first in the next";
}

TEST_F(StoreTurns, AreKnownAfterARestart) {
  publish("a", 50);
  publish("b", 50);
  EXPECT_EQ("a", take(1));
  reopen();
  EXPECT_EQ("b", take(1));
}

TEST_F(StoreTurns, ANewcomerComesAfterEachOfThoseBeforeItOnce) {
  publish("a", 5'000);
  publish("b", 5'000);
  EXPECT_EQ("abababab", take(8));
  publish("c", 1);
  EXPECT_EQ("a", take(1));
  EXPECT_EQ("b", take(1));
  EXPECT_EQ("c", take(1));
}

TEST_F(StoreTurns, AnothersSeverityMovesNobody) {
  publish("a", 10, severity::fatal);
  publish("b", 1, severity::info);
  publish("b", 1, severity::error);
  const auto leased = lease(4);
  ASSERT_EQ(4u, leased.size());
  EXPECT_EQ("b", leased[1].organization);
  EXPECT_EQ(delivery_id{12}, leased[1].id) << "the more severe of its own is first";
  EXPECT_EQ(delivery_id{11}, leased[3].id);
}

TEST_F(StoreTurns, WhatIsDueLaterTakesNone) {
  publish("a", 1);
  EXPECT_EQ("a", take(1));
  publish("b", 10);
  defer("a", now + 60'000);
  EXPECT_EQ("bbb", take(3));
  EXPECT_EQ("bb", take(2, now + 59'999));
  EXPECT_EQ("ba", take(2, now + 60'000));
}

TEST_F(StoreTurns, WhatIsTakenBeforeItsTimeLeavesTheRestToItsTime) {
  publish("a", 2);
  EXPECT_EQ("aa", take(2));
  ASSERT_EQ(2, last_taken_["a"]);
  for (const std::int64_t id : {1, 2}) {
    last_taken_["a"] = id;
    defer("a", now + 60'000);
  }
  EXPECT_EQ("a", take(1, now + 60'000)) << "a probe of a paused endpoint looks ahead";
  EXPECT_EQ("", take(5, now + 1'000));
  EXPECT_EQ(now + 60'000, *calls().next_due({"email", ""}));
}

TEST_F(StoreTurns, OfThoseThatHaveNothingLeftKeepNobodyFromTheirs) {
  for (const char* name : {"a", "b", "c", "d"}) publish(name, 1);
  EXPECT_EQ("a", take(1));
  EXPECT_EQ("b", take(1));
  EXPECT_EQ("c", take(1));
  EXPECT_EQ("d", take(1)) << "a, b and c still have their places in the ring";
  publish("e", 1);
  EXPECT_EQ("e", take(1));
  EXPECT_EQ("", take(1));
}

TEST_F(StoreTurns, AnEmptyRingIsForgottenAndBeginsAnew) {
  for (int round = 0; round < 3; ++round) {
    publish("a", 1);
    publish("b", 2);
    EXPECT_EQ("abb", take(10));
    EXPECT_EQ(std::nullopt, *calls().next_due({"email", ""}));
  }
}

TEST_F(StoreTurns, AStoreOfTheFirstVersionIsBroughtUpToDateWithWhatWaitsInIt) {
  publish("a", 3);
  publish("b", 2);
  EXPECT_EQ("ab", take(2));
  store_.reset();
  look(file(),
       "DROP TABLE waiting; DROP INDEX delivery_waiting; ALTER TABLE delivery DROP COLUMN interrupted;"
       "DROP TABLE duplicate; DROP INDEX delivery_by_recipient; DROP INDEX delivery_by_source;"
       "ALTER TABLE delivery DROP COLUMN source_hash;"
       "CREATE TABLE quota (endpoint INTEGER PRIMARY KEY);"
       "CREATE INDEX delivery_due ON delivery (endpoint, severity, due) WHERE due IS NOT NULL;"
       "PRAGMA user_version = 1");
  open();
  EXPECT_EQ(now, *calls().next_due({"email", ""}));
  EXPECT_EQ("ababa", take(10)) << "what the last run had in its hands came back with the start";
}

}  // namespace
}  // namespace tocsin::test
