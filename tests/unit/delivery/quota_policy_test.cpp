// Quotas: what a second and any 24 hours allow.
#include "core/delivery/quota_policy.hpp"

#include <gtest/gtest.h>
#include <boost/json/parse.hpp>

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

constexpr time_ms hour = 3'600'000;
constexpr time_ms start = 1'767'600'000'000;  // 08:00, a whole hour

quota_policy with(std::uint64_t per_second, std::uint64_t per_day) {
  quota_policy made;
  made.set({per_second, per_day}, 0ns);
  return made;
}

TEST(QuotaPolicy, ReadsTheLimitsOfAnyChannelsSettings) {
  const auto settings =
      boost::json::parse(R"({"limits": {"messages_per_second": 14, "messages_per_day": 500}})").as_object();
  EXPECT_EQ(quota_limits_of(settings), (quota_limits{14, 500}));
  EXPECT_EQ(quota_limits_of({}), quota_limits{});
  EXPECT_EQ(quota_limits_of(boost::json::parse(R"({"limits": {"messages_per_day": "many"}})").as_object()),
            quota_limits{});
}

TEST(QuotaPolicy, ASecondsMessagesMayGoAtOnceAndThenOneByOne) {
  auto quota = with(4, 0);
  EXPECT_EQ(quota.allowance(0ns, start, 0), 4u);
  quota.begin(4, 0ns);
  EXPECT_EQ(quota.allowance(0ns, start, 0), 0u);
  EXPECT_EQ(quota.wait(0ns), 250ms);
  EXPECT_EQ(quota.allowance(250ms, start, 0), 1u);
  EXPECT_EQ(quota.allowance(10s, start, 0), 4u) << "what was not used is not saved up";
}

TEST(QuotaPolicy, NoTwentyFourHoursHaveMoreThanADaysMessages) {
  auto quota = with(0, 10);
  quota.sent(6, start + hour - 1);
  quota.sent(4, start + 5 * hour);
  EXPECT_EQ(quota.allowance(0ns, start + 6 * hour, 0), 0u);
  EXPECT_EQ(quota.used_up_until(start + 6 * hour), start + 25 * hour);
  EXPECT_EQ(quota.allowance(0ns, start + 25 * hour - 1, 0), 0u);
  EXPECT_EQ(quota.allowance(0ns, start + 25 * hour, 0), 6u);
  EXPECT_EQ(quota.used_up_until(start + 25 * hour), std::nullopt);
  EXPECT_EQ(quota.allowance(0ns, start + 30 * hour, 0), 10u);
}

TEST(QuotaPolicy, WhatIsUnderWayMayYetCount) {
  auto quota = with(0, 10);
  quota.sent(6, start);
  EXPECT_EQ(quota.allowance(0ns, start, 3), 1u);
  EXPECT_EQ(quota.allowance(0ns, start, 9), 0u);
  EXPECT_EQ(quota.used_up_until(start), std::nullopt) << "it may come back untried";
}

TEST(QuotaPolicy, IsRememberedAsText) {
  auto quota = with(0, 10);
  quota.sent(3, start);
  quota.sent(4, start + hour);
  auto again = with(0, 10);
  again.add_text(quota.to_text());
  EXPECT_EQ(again.allowance(0ns, start + hour, 0), 3u);
  EXPECT_EQ(again.to_text(), quota.to_text());
  again.add_text("nonsense");
  EXPECT_EQ(again.to_text(), quota.to_text());
}

TEST(QuotaPolicy, AClockThatWasFarAheadLeavesNothingBehind) {
  auto quota = with(0, 10);
  quota.sent(10, start + 1'000 * hour);
  EXPECT_EQ(quota.allowance(0ns, start, 0), 10u);
}

TEST(QuotaPolicy, OtherLimitsKeepWhatWasSent) {
  auto quota = with(0, 10);
  quota.sent(10, start);
  quota.set({0, 15}, 1s);
  EXPECT_EQ(quota.allowance(1s, start, 0), 5u);
}

}  // namespace
}  // namespace tocsin::test
