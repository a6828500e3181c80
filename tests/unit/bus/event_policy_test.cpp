// What the settings say of events by their type.
#include "core/bus/event_policy.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

using namespace std::chrono_literals;

event_type_settings of(std::string types, std::optional<std::chrono::milliseconds> time_to_live,
                       std::optional<bool> sensitive) {
  return {std::move(types), time_to_live, sensitive};
}

TEST(EventPolicy, SaysNothingOfTypesThatNobodyNames) {
  const event_policy policy({of("tocsin.password.*", 15min, true)});
  const auto decided = policy.of("tocsin.job.faulted");
  EXPECT_FALSE(decided.time_to_live);
  EXPECT_FALSE(decided.sensitive);
}

TEST(EventPolicy, TheLongestGlobWinsKeyByKey) {
  const event_policy policy({of("tocsin.password.recovery", {}, false), of("tocsin.*", 24h, {}),
                             of("tocsin.password.*", 15min, true), of("*", 30 * 24h, {})});
  const auto recovery = policy.of("tocsin.password.recovery");
  EXPECT_EQ(recovery.time_to_live, 15min) << "the longest that says something of it";
  EXPECT_FALSE(recovery.sensitive);
  EXPECT_TRUE(policy.of("tocsin.password.other").sensitive);
  EXPECT_EQ(policy.of("tocsin.job.faulted").time_to_live, 24h);
  EXPECT_EQ(policy.of("other").time_to_live, 30 * 24h);
}

TEST(EventPolicy, OfTwoEquallyLongTheLaterWins) {
  const event_policy policy({of("a.*", 1min, {}), of("*.b", 2min, {})});
  EXPECT_EQ(policy.of("a.b").time_to_live, 2min);
}

}  // namespace
}  // namespace tocsin
