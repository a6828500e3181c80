// What a second and a day allow an endpoint to send, on a timeline of days.
#include "tests/unit/delivery/delivery_house.hpp"

#include <boost/json/object.hpp>

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

outcome delivered() { return fake_channel::ended(outcome_class::delivered, "OK", "250 2.0.0 Ok"); }

std::shared_ptr<fake_settings> with_limits(std::int64_t per_second, std::int64_t per_day,
                                           std::uint64_t fingerprint = 1) {
  auto made = std::make_shared<fake_settings>();
  made->add("email", fingerprint).settings = {
      {"limits", {{"messages_per_second", per_second}, {"messages_per_day", per_day}}}};
  return made;
}

class DispatcherQuota : public testing::Test {
 protected:
  void publish(int count, const std::string& organization = {}) {
    for (; count > 0; --count) ids.push_back(house.publish({.organization = organization}));
  }
  std::size_t sent() { return house.store.count(delivery_state::delivered); }

  delivery_house house;
  std::vector<delivery_id> ids;
};

TEST_F(DispatcherQuota, WhatIsOverTheDayWaitsWithoutAnAttempt) {
  house.settings = with_limits(0, 5);
  house.start();
  publish(8);
  EXPECT_EQ(sent(), 5u);
  const auto row = house.store.row(ids.back());
  EXPECT_EQ(row.state, delivery_state::deferred);
  EXPECT_EQ(row.code, "QUOTA_EXCEEDED");
  EXPECT_NE(row.detail.find("messages_per_day allows (5)"), std::string::npos) << row.detail;
  EXPECT_EQ(row.attempts, 0u);
  EXPECT_EQ(house.channel->seen().size(), 5u);
  EXPECT_FALSE(house.paused());
}

TEST_F(DispatcherQuota, EachDayHasItsShareUntilAllIsSent) {
  house.settings = with_limits(0, 5);
  house.settings->retry_value.give_up = std::chrono::days{30};
  house.start();
  publish(12);
  house.pass(24h);
  EXPECT_EQ(sent(), 5u);
  house.pass(1h);
  EXPECT_EQ(sent(), 10u);
  house.pass(24h);
  EXPECT_EQ(sent(), 10u);
  house.pass(1h);
  EXPECT_EQ(sent(), 12u);
  for (const auto id : ids) EXPECT_EQ(house.store.row(id).attempts, 1u);
}

TEST_F(DispatcherQuota, OrganizationsShareWhatIsLeftOfTheDay) {
  house.settings = with_limits(0, 5);
  house.start();
  publish(20, "flood");
  publish(2, "quiet");
  house.pass(25h);
  EXPECT_EQ(house.state(ids[20]), delivery_state::delivered);
  EXPECT_EQ(house.state(ids[21]), delivery_state::delivered);
}

TEST_F(DispatcherQuota, WhatDidNotReachTheServerDoesNotCount) {
  house.settings = with_limits(0, 3);
  int left = 4;
  house.channel->say([&](const auto&) {
    return left-- > 0 ? fake_channel::ended(outcome_class::transient, "TCP_REFUSED", "") : delivered();
  });
  house.start();
  publish(3);
  house.pass(10min);
  EXPECT_EQ(sent(), 3u);
}

TEST_F(DispatcherQuota, ASecondsMessagesGoAtOnceAndTheOthersOneByOne) {
  house.settings = with_limits(2, 0);
  house.start();
  publish(6);
  EXPECT_EQ(sent(), 2u);
  EXPECT_EQ(house.store.row(ids.back()).attempts, 0u);
  house.pass(500ms);
  EXPECT_EQ(sent(), 3u);
  house.pass(1s);
  EXPECT_EQ(sent(), 5u);
  house.pass(500ms);
  EXPECT_EQ(sent(), 6u);
}

TEST_F(DispatcherQuota, AHigherOneTakesEffectAtOnce) {
  house.settings = with_limits(0, 2);
  house.start();
  publish(6);
  EXPECT_EQ(sent(), 2u);
  house.change(with_limits(0, 5, 2));
  EXPECT_EQ(sent(), 5u);
  house.change(with_limits(0, 0, 3));
  EXPECT_EQ(sent(), 6u);
}

TEST(DispatcherQuotaRestart, WhatWasSentBeforeARestartCounts) {
  const auto disk = std::make_shared<fake_disk>();
  {
    delivery_house before(disk);
    before.settings = with_limits(0, 3);
    before.start();
    for (int i = 0; i < 2; ++i) before.publish();
  }
  delivery_house after(disk, manual_clock::start_time + 3'600'000);
  after.settings = with_limits(0, 3);
  after.start();
  const auto third = after.publish();
  const auto fourth = after.publish();
  EXPECT_EQ(after.state(third), delivery_state::delivered);
  EXPECT_EQ(after.code(fourth), "QUOTA_EXCEEDED");
  after.pass(24h);
  EXPECT_EQ(after.state(fourth), delivery_state::delivered) << "the first two were sent an hour earlier";
}

}  // namespace
}  // namespace tocsin::test
