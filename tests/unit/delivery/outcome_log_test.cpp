// Which outcomes get a line in the log.
#include "core/delivery/outcome_log.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(OutcomeLogPolicy, WritesEachSuccess) {
  outcome_log_policy policy;
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(policy.success().write);
}

TEST(OutcomeLogPolicy, CountsAFailureThatSaysTheSameAgain) {
  outcome_log_policy policy;
  std::uint64_t written = 0, counted = 0;
  for (time_ms now = 0; now < 60'000; ++now) {
    const auto decided = policy.failure("deferred TCP_REFUSED", now);
    written += decided.write;
    if (decided.count) {
      counted += decided.count->times;
      EXPECT_EQ(decided.count->text, "deferred TCP_REFUSED");
    }
  }
  const auto last = policy.success();
  if (last.count) counted += last.count->times;
  EXPECT_EQ(written, outcome_log_policy::alike + 5) << "the first few, then one every ten seconds";
  EXPECT_EQ(written + counted, 60'000u) << "each failure has a line or is in a count";
}

TEST(OutcomeLogPolicy, WritesAFailureWhoseWordsChangeAndTheCountOfTheOldOnesFirst) {
  outcome_log_policy policy;
  for (int i = 0; i < 10; ++i) policy.failure("one", 0);
  const auto decided = policy.failure("other", 1);
  EXPECT_TRUE(decided.write);
  ASSERT_TRUE(decided.count);
  EXPECT_EQ(decided.count->times, 10 - outcome_log_policy::alike);
  EXPECT_EQ(decided.count->text, "one");
}

TEST(OutcomeLogPolicy, BoundsTheLinesOfASecondWhenEachFailureHasItsOwnWords) {
  outcome_log_policy policy;
  std::uint32_t written = 0;
  for (int i = 0; i < 1'000; ++i) written += policy.failure("reply " + std::to_string(i), 5'000 + i / 2).write;
  EXPECT_EQ(written, outcome_log_policy::in_a_second);
}

}  // namespace
}  // namespace tocsin
