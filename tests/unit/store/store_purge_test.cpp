// What was kept for long enough goes, and nothing else.
#include "tests/unit/store/store_fixture.hpp"

namespace tocsin::test {
namespace {

using StorePurge = Store;

constexpr time_ms later = now + 30 * day;

TEST_F(StorePurge, ForgetsAnEventWithAllThatBelongsToIt) {
  ASSERT_TRUE(calls().accept(one_of(1)));
  for (std::uint32_t attempt = 1; attempt <= 2; ++attempt) {
    ASSERT_EQ(1u, lease().size());
    auto value = settled(10, attempt == 1 ? delivery_state::deferred : delivery_state::delivered, "OK", attempt);
    value.next_attempt = now;
    ASSERT_TRUE(calls().settle({value}));
  }
  EXPECT_EQ(1u, calls().purge(later, now + 1)->gone);
  EXPECT_FALSE(calls().get(delivery_id{10}).value().has_value());
  EXPECT_EQ(state_counts{}, *calls().counts());
  store_.reset();
  EXPECT_EQ(0, look(file(), "SELECT count(*) FROM attempt")[0][0]);
  EXPECT_EQ(0, look(file(), "SELECT count(*) FROM event")[0][0]);
}

TEST_F(StorePurge, KeepsWhatWaitsAndWhatIsYoung) {
  ASSERT_TRUE(calls().accept(one_of(1)));
  auto young = one_of(2);
  young.items.front().accepted = now + 5;
  ASSERT_TRUE(calls().accept(young));
  EXPECT_EQ(0u, calls().purge(later, now + 5)->gone);
  EXPECT_EQ(2u, calls().list({})->size());
}

TEST_F(StorePurge, KeepsAnEventForAsLongAsItsDuplicatesAreKnown) {
  ASSERT_TRUE(calls().accept(make_batch({make_item(1, make_event("42"))})));
  EXPECT_EQ(0u, calls().purge(now + 7 * day - 1, now + 6 * day)->gone);
  EXPECT_TRUE(calls().accept(make_batch({make_item(2, make_event("42"))}))->front().duplicate);
  EXPECT_EQ(1u, calls().purge(now + 7 * day, now + 6 * day)->gone);
}

TEST_F(StorePurge, GoesStepByStepPastWhatStays) {
  std::vector<accept_item> items;
  for (std::int64_t at = 1; at <= 700; ++at) {
    std::vector<new_delivery> deliveries;
    if (at <= 300) deliveries.push_back(make_delivery(at));  // these wait
    items.push_back(make_item(at, make_event("e" + std::to_string(at)), std::move(deliveries)));
  }
  ASSERT_TRUE(calls().accept(make_batch(std::move(items))));
  std::uint64_t gone = 0;
  for (int step = 0; step < 4; ++step) gone += calls().purge(later, now + 1)->gone;
  EXPECT_EQ(400u, gone);
  EXPECT_EQ(0u, calls().purge(later, now + 1)->gone) << "from the start again: nothing left to go";
}

TEST_F(StorePurge, SaysThatThereIsMoreAlsoWhereNothingOfAStepCouldGo) {
  std::vector<accept_item> items;
  for (std::int64_t at = 1; at <= 401; ++at) {
    items.push_back(make_item(at, make_event("e" + std::to_string(at)), {make_delivery(at + 1'000)}));
  }
  items.back().deliveries.clear();
  ASSERT_TRUE(calls().accept(make_batch(std::move(items))));
  for (int step = 0; step < 2; ++step) {
    const auto stays = *calls().purge(later, now + 1);
    EXPECT_EQ(0u, stays.gone);
    EXPECT_TRUE(stays.more);
  }
  const auto last = *calls().purge(later, now + 1);
  EXPECT_EQ(1u, last.gone);
  EXPECT_FALSE(last.more);
}

TEST_F(StorePurge, PassesOverWhatWasAcceptedWhileTheClockWasWrong) {
  std::vector<accept_item> items;
  for (std::int64_t at = 1; at <= 500; ++at) {
    items.push_back(make_item(at, make_event("e" + std::to_string(at))));
    if (at == 3) items.back().accepted = later + day;  // the clock stood in the future
    if (at == 4) items.back().accepted = later - 1;    // and this one is merely young by now
  }
  ASSERT_TRUE(calls().accept(make_batch(std::move(items))));
  std::uint64_t gone = 0;
  bool more = true;
  while (more) {
    const auto step = *calls().purge(later, now + 1);
    gone += step.gone;
    more = step.more;
  }
  EXPECT_EQ(498u, gone);
  EXPECT_EQ(0u, calls().purge(later, now + 1)->gone);
}

TEST_F(StorePurge, NeverGivesAnIdentifierOutTwice) {
  ASSERT_TRUE(calls().accept(make_batch({make_item(77, make_event("42"))})));
  ASSERT_EQ(1u, calls().purge(later, now + 1)->gone);
  EXPECT_EQ(77, calls().recover()->last_identifier);
}

}  // namespace
}  // namespace tocsin::test
