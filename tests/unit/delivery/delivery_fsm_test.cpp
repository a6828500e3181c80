// What becomes of a delivery after an attempt, and properties that hold for every input.
#include "core/delivery/delivery_fsm.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tocsin {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr time_ms accepted = 1'000'000'000'000;
const retry_policy policy{.first = 30s, .max = 1h, .give_up = 72h};

attempt_end ended(outcome_class how, milliseconds after = 0ms) {
  attempt_end end{};
  end.outcome_class = how;
  end.created = accepted;
  end.now = accepted + after.count();
  return end;
}

TEST(RetryPolicy, DoublesTheWaitUpToItsMaximum) {
  EXPECT_EQ(policy.wait(1, 0), 30s);
  EXPECT_EQ(policy.wait(2, 0), 60s);
  EXPECT_EQ(policy.wait(3, 0), 120s);
  EXPECT_EQ(policy.wait(7, 0), 1920s);
  EXPECT_EQ(policy.wait(8, 0), 1h);
  EXPECT_EQ(policy.wait(4'000'000'000, 0), 1h);
}

TEST(RetryPolicy, TakesUpToAFifthOffByJitter) {
  EXPECT_EQ(policy.wait(1, 1), 24s);
  EXPECT_EQ(policy.wait(1, 0.5), 27s);
  EXPECT_EQ(policy.wait(1, 7), 24s);
  EXPECT_EQ(policy.wait(1, -1), 30s);
}

TEST(RetryPolicy, NeverWaitsNotAtAll) {
  const retry_policy hasty{.first = 0ms, .max = 0ms, .give_up = 1h};
  EXPECT_GT(hasty.wait(1, 1), 0ms);
}

TEST(DeliveryFsm, SuccessIsFinalAndCountsTheAttempt) {
  const auto step = next_step(ended(outcome_class::delivered), policy);
  EXPECT_EQ(step.state, delivery_state::delivered);
  EXPECT_EQ(step.attempts, 1u);
  EXPECT_FALSE(step.next_attempt);
}

TEST(DeliveryFsm, ATransientFailureWaitsByBackoff) {
  auto end = ended(outcome_class::transient);
  end.attempts = 2;
  const auto step = next_step(end, policy);
  EXPECT_EQ(step.state, delivery_state::deferred);
  EXPECT_EQ(step.attempts, 3u);
  EXPECT_EQ(step.next_attempt, end.now + 120'000);
  EXPECT_EQ(step.endpoint, endpoint_action::none);
}

TEST(DeliveryFsm, ThrottlingWaitsAsLongAsTheServerSaysAndSlowsTheEndpointDown) {
  auto end = ended(outcome_class::throttled);
  end.retry_after = 7min;
  auto step = next_step(end, policy);
  EXPECT_EQ(step.next_attempt, end.now + milliseconds(7min).count());
  EXPECT_EQ(step.endpoint, endpoint_action::slow_down);
  end.retry_after.reset();
  step = next_step(end, policy);
  EXPECT_EQ(step.next_attempt, end.now + 30'000);
}

TEST(DeliveryFsm, AFaultOfSettingsOrAccountPausesTheEndpointAndTheDeliveryOutlivesGiveUp) {
  for (const auto how : {outcome_class::config, outcome_class::auth}) {
    const auto step = next_step(ended(how, 1000h), policy);
    EXPECT_EQ(step.state, delivery_state::deferred);
    EXPECT_EQ(step.endpoint, endpoint_action::pause);
    EXPECT_TRUE(step.next_attempt);
  }
}

TEST(DeliveryFsm, APausedEndpointHandsOverToTheNextChannel) {
  auto end = ended(outcome_class::auth);
  end.has_next_channel = true;
  const auto step = next_step(end, policy);
  EXPECT_EQ(step.state, delivery_state::superseded);
  EXPECT_EQ(step.endpoint, endpoint_action::pause);
}

TEST(DeliveryFsm, APermanentFailureIsDeadOrGoesToTheNextChannel) {
  auto end = ended(outcome_class::permanent);
  EXPECT_EQ(next_step(end, policy).state, delivery_state::dead);
  end.has_next_channel = true;
  EXPECT_EQ(next_step(end, policy).state, delivery_state::superseded);
}

TEST(DeliveryFsm, ALostAnswerIsTriedAgainSoonAndStaysUncertain) {
  auto end = ended(outcome_class::uncertain);
  end.attempts = 5;
  auto step = next_step(end, policy);
  EXPECT_TRUE(step.uncertain);
  EXPECT_EQ(step.next_attempt, end.now + 30'000);
  end.uncertain = true;
  EXPECT_EQ(next_step(end, policy).next_attempt, end.now + 960'000) << "a second loss backs off";
  end.outcome_class = outcome_class::delivered;
  EXPECT_TRUE(next_step(end, policy).uncertain);
}

TEST(DeliveryFsm, WhatComesBackUntriedIsAsBefore) {
  auto end = ended(outcome_class::returned, 1000h);
  auto step = next_step(end, policy);
  EXPECT_EQ(step.state, delivery_state::pending);
  EXPECT_EQ(step.attempts, 0u);
  end.attempts = 3;
  step = next_step(end, policy);
  EXPECT_EQ(step.state, delivery_state::deferred);
  EXPECT_EQ(step.attempts, 3u);
}

TEST(DeliveryFsm, GivesUpFromAcceptanceWithoutThePausedTime) {
  auto end = ended(outcome_class::transient, 72h);
  EXPECT_EQ(next_step(end, policy).state, delivery_state::dead);
  end.has_next_channel = true;
  EXPECT_EQ(next_step(end, policy).state, delivery_state::superseded);
  end.has_next_channel = false;
  end.paused = 1h;
  end.attempts = 20;
  const auto step = next_step(end, policy);
  EXPECT_EQ(step.state, delivery_state::deferred);
  EXPECT_EQ(step.next_attempt, accepted + milliseconds(73h).count()) << "a last attempt when patience ends";
}

TEST(DeliveryFsm, TheEndOfTheTimeToLiveIsNotSleptThrough) {
  auto end = ended(outcome_class::transient);
  end.expires = end.now + 10'000;
  EXPECT_EQ(next_step(end, policy).next_attempt, end.expires);
  end.now = *end.expires;
  EXPECT_EQ(next_step(end, policy).state, delivery_state::expired);
}

// Every combination of what the decision looks at.
template <class Check>
void for_every_input(const Check& check) {
  int inputs = 0;
  for (std::uint32_t how = 0; how <= 9; ++how) {  // 8 and 9 are classes of a later interface
    for (const std::optional<milliseconds> retry_after :
         {std::optional<milliseconds>{}, {-5ms}, {0ms}, {1s}, {100h}, {milliseconds::max()}}) {
      for (const std::uint32_t attempts : {0u, 1u, 7u, 4'000'000'000u}) {
        for (const milliseconds age : {0ms, 1ms, milliseconds(71h), milliseconds(72h), milliseconds(500h)}) {
          for (const std::optional<milliseconds> lives :
               {std::optional<milliseconds>{}, {0ms}, {15min}, {72h}, {1000h}}) {
            for (const milliseconds paused : {-1ms, 0ms, milliseconds(3h), milliseconds(499h)}) {
              for (const double jitter : {0.0, 0.5, 1.0}) {
                for (const int flags : {0, 1, 2, 3}) {
                  attempt_end end{};
                  end.outcome_class = static_cast<outcome_class>(how);
                  end.retry_after = retry_after;
                  end.attempts = attempts;
                  end.created = accepted;
                  end.now = accepted + age.count();
                  if (lives) end.expires = accepted + lives->count();
                  end.paused = paused;
                  end.jitter = jitter;
                  end.uncertain = (flags & 1) != 0;
                  end.has_next_channel = (flags & 2) != 0;
                  check(end, next_step(end, policy));
                  if (testing::Test::HasFatalFailure()) {
                    FAIL() << "class " << how << ", attempts " << attempts << ", age " << age.count() << ", paused "
                           << paused.count() << ", flags " << flags;
                  }
                  ++inputs;
                }
              }
            }
          }
        }
      }
    }
  }
  EXPECT_GT(inputs, 100'000);
}

TEST(DeliveryFsm, IsNeverStuck) {
  for_every_input([](const attempt_end& end, const delivery_step& step) {
    if (is_final(step.state)) {
      ASSERT_FALSE(step.next_attempt);
    } else {
      ASSERT_TRUE(step.state == delivery_state::pending || step.state == delivery_state::deferred);
      ASSERT_TRUE(step.next_attempt);
      ASSERT_GE(*step.next_attempt, end.now);
      if (end.expires) {
        ASSERT_LE(*step.next_attempt, *end.expires);
      }
    }
  });
}

TEST(DeliveryFsm, UncertainIsNeverReset) {
  for_every_input([](const attempt_end& end, const delivery_step& step) {
    ASSERT_EQ(step.uncertain, end.uncertain || end.outcome_class == outcome_class::uncertain);
  });
}

TEST(DeliveryFsm, CountsEveryAttemptThatWasMadeAndNoOther) {
  for_every_input([](const attempt_end& end, const delivery_step& step) {
    ASSERT_EQ(step.attempts, end.outcome_class == outcome_class::returned ? end.attempts : end.attempts + 1);
  });
}

TEST(DeliveryFsm, OnlySuccessDeliversAndOnlyTheEndpointsFaultsTouchTheEndpoint) {
  for_every_input([](const attempt_end& end, const delivery_step& step) {
    ASSERT_EQ(step.state == delivery_state::delivered, end.outcome_class == outcome_class::delivered);
    const bool endpoint_fault = end.outcome_class == outcome_class::config || end.outcome_class == outcome_class::auth;
    ASSERT_EQ(step.endpoint == endpoint_action::pause, endpoint_fault);
    ASSERT_EQ(step.endpoint == endpoint_action::slow_down, end.outcome_class == outcome_class::throttled);
    if (endpoint_fault) {
      ASSERT_NE(step.state, delivery_state::dead);
    }
  });
}

TEST(DeliveryFsm, IsDeadOnlyWithoutANextChannelAndSupersededOnlyWithOne) {
  for_every_input([](const attempt_end& end, const delivery_step& step) {
    if (step.state == delivery_state::dead) {
      ASSERT_FALSE(end.has_next_channel);
    }
    if (step.state == delivery_state::superseded) {
      ASSERT_TRUE(end.has_next_channel);
    }
    if (step.state == delivery_state::expired) {
      ASSERT_TRUE(end.expires && end.now >= *end.expires);
    }
  });
}

}  // namespace
}  // namespace tocsin
