// A delivery's whole life under any outcomes, in any order, at any time: what holds of every one of them.
#include "core/delivery/delivery_fsm.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace tocsin {
namespace {

using std::chrono::milliseconds;

constexpr time_ms hour = 3'600'000;

struct attempt {
  outcome_class how{};
  std::optional<milliseconds> retry_after;
  time_ms late = 0;  // it is made, or ends, this long after it was due
  double jitter = 0;
};

struct life {
  retry_policy policy{};
  std::optional<time_ms> expires;
  bool has_next_channel = false;
};

rc::Gen<outcome_class> any_outcome() {
  return rc::gen::element(outcome_class::delivered, outcome_class::permanent, outcome_class::transient,
                          outcome_class::throttled, outcome_class::config, outcome_class::auth,
                          outcome_class::uncertain, outcome_class::returned, static_cast<outcome_class>(99));
}

rc::Gen<outcome_class> any_failure_of_its_own() {
  return rc::gen::element(outcome_class::transient, outcome_class::throttled, outcome_class::uncertain,
                          static_cast<outcome_class>(99));
}

attempt any_attempt(outcome_class how) {
  attempt made;
  made.how = how;
  if (*rc::gen::arbitrary<bool>()) made.retry_after = milliseconds{*rc::gen::inRange<std::int64_t>(-1, 100 * hour)};
  made.late = *rc::gen::element<time_ms>(0, 1, 1'000, hour, 48 * hour);
  made.jitter = *rc::gen::inRange(0, 100) / 99.0;
  return made;
}

life any_life() {
  life lived;
  lived.policy.first = milliseconds{*rc::gen::inRange<std::int64_t>(0, hour)};
  lived.policy.max = milliseconds{*rc::gen::inRange<std::int64_t>(0, 10 * hour)};
  lived.policy.give_up = milliseconds{*rc::gen::inRange<std::int64_t>(0, 100 * hour)};
  if (*rc::gen::arbitrary<bool>()) lived.expires = *rc::gen::inRange<time_ms>(0, 100 * hour);
  lived.has_next_channel = *rc::gen::arbitrary<bool>();
  return lived;
}

// Where a delivery stands between attempts; it was accepted at 0.
struct standing {
  delivery_step step;
  time_ms now = 0;
};

standing begin() {
  standing at;
  at.step.state = delivery_state::pending;
  at.step.next_attempt = 0;
  return at;
}

standing after(const life& lived, const standing& before, const attempt& made) {
  standing at;
  at.now = std::max(before.now, *before.step.next_attempt) + made.late;
  attempt_end end{};
  end.outcome_class = made.how;
  end.retry_after = made.retry_after;
  end.attempts = before.step.attempts;
  end.uncertain = before.step.uncertain;
  end.now = at.now;
  end.expires = lived.expires;
  end.has_next_channel = lived.has_next_channel;
  end.jitter = made.jitter;
  at.step = next_step(end, lived.policy);
  return at;
}

RC_GTEST_PROP(DeliveryLife, NeitherGetsStuckNorGoesBack, ()) {
  const life lived = any_life();
  standing at = begin();
  for (int more = *rc::gen::inRange(1, 40); more > 0 && !is_final(at.step.state); --more) {
    const auto how = *any_outcome();
    const auto next = after(lived, at, any_attempt(how));
    RC_ASSERT(next.step.attempts == at.step.attempts + (how == outcome_class::returned ? 0 : 1));
    RC_ASSERT(next.step.uncertain || !at.step.uncertain);
    RC_ASSERT(next.step.uncertain == (at.step.uncertain || how == outcome_class::uncertain));
    RC_ASSERT((next.step.state == delivery_state::delivered) == (how == outcome_class::delivered));
    if (!is_final(next.step.state)) {
      RC_ASSERT(next.step.next_attempt.has_value());
      RC_ASSERT(*next.step.next_attempt >= next.now);
      if (lived.expires) RC_ASSERT(*next.step.next_attempt <= std::max(*lived.expires, next.now));
    }
    at = next;
  }
}

// The bound is that of a delivery that waits the shortest time between attempts.
RC_GTEST_PROP(DeliveryLife, EndsByItselfWhateverKeepsFailing, ()) {
  const life lived = any_life();
  const auto how = *any_failure_of_its_own();
  standing at = begin();
  int attempts = 0;
  const auto shortest = std::max<time_ms>(std::min(lived.policy.first, lived.policy.max).count() * 4 / 5, 1);
  RC_PRE(lived.policy.give_up.count() / shortest < 10'000);
  while (!is_final(at.step.state)) {
    attempt made;
    made.how = how;
    made.jitter = 1;
    at = after(lived, at, made);
    RC_ASSERT(++attempts <= lived.policy.give_up.count() / shortest + 2);
  }
  const auto limit = lived.policy.give_up.count();
  RC_ASSERT(at.now <= (lived.expires ? std::min(*lived.expires, limit) : limit));
  if (at.step.state == delivery_state::expired) {
    RC_ASSERT(lived.expires && at.now >= *lived.expires);
  } else {
    RC_ASSERT(at.step.state == (lived.has_next_channel ? delivery_state::superseded : delivery_state::dead));
  }
}

// A wrong password for a month ends nothing but what has run out of time.
RC_GTEST_PROP(DeliveryLife, OutlivesItsEndpointsPause, ()) {
  life lived = any_life();
  lived.has_next_channel = false;
  standing at = begin();
  for (int more = *rc::gen::inRange(1, 40); more > 0 && !is_final(at.step.state); --more) {
    at = after(lived, at, any_attempt(*rc::gen::element(outcome_class::config, outcome_class::auth)));
    RC_ASSERT(at.step.endpoint == endpoint_action::pause);
  }
  if (is_final(at.step.state)) {
    RC_ASSERT(at.step.state == delivery_state::expired);
    RC_ASSERT(lived.expires && at.now >= *lived.expires);
  }
}

}  // namespace
}  // namespace tocsin
