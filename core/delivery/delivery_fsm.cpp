// What becomes of a delivery after an attempt.
#include "core/delivery/delivery_fsm.hpp"

#include <algorithm>

namespace tocsin {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_wait{1};
// Longer wishes of a server are cut, so that no sum overflows; give_up ends the delivery long before.
constexpr milliseconds longest_wait = std::chrono::days{3650};

milliseconds wished_or(const attempt_end& end, milliseconds otherwise) {
  return std::clamp(end.retry_after.value_or(otherwise), shortest_wait, longest_wait);
}

bool has_expired(const attempt_end& end) { return end.expires && end.now >= *end.expires; }

// When the delivery is given up; later by what its endpoint was paused.
time_ms give_up_at(const attempt_end& end, const retry_policy& policy) {
  return end.created + policy.give_up.count() + std::max(end.paused, milliseconds{0}).count();
}

void end_for_good(delivery_step& step, const attempt_end& end) {
  step.state = end.has_next_channel ? delivery_state::superseded : delivery_state::dead;
}

// Neither the end of its time to live nor that of its patience is slept through: at both there is a last look.
void try_again(delivery_step& step, const attempt_end& end, milliseconds wait, time_ms give_up) {
  step.state = delivery_state::deferred;
  time_ms next = std::min(end.now + wait.count(), give_up);
  if (end.expires) next = std::min(next, *end.expires);
  step.next_attempt = std::max(next, end.now);
}

void after_failure(delivery_step& step, const attempt_end& end, const retry_policy& policy, milliseconds wait) {
  const auto give_up = give_up_at(end, policy);
  if (has_expired(end)) {
    step.state = delivery_state::expired;
  } else if (end.now >= give_up) {
    end_for_good(step, end);
  } else {
    try_again(step, end, wait, give_up);
  }
}

// The endpoint's fault, not the delivery's: it waits until the pause ends, however long that takes.
void after_pause(delivery_step& step, const attempt_end& end) {
  step.endpoint = endpoint_action::pause;
  if (has_expired(end)) {
    step.state = delivery_state::expired;
  } else if (end.has_next_channel) {
    step.state = delivery_state::superseded;
  } else {
    step.state = delivery_state::deferred;
    step.next_attempt = end.now;
  }
}

// Nothing was tried, so nothing is counted, and patience that ran out meanwhile does not end it.
void after_return(delivery_step& step, const attempt_end& end) {
  if (has_expired(end)) {
    step.state = delivery_state::expired;
    return;
  }
  step.state = end.attempts == 0 ? delivery_state::pending : delivery_state::deferred;
  step.next_attempt = end.now;
}

}  // namespace

milliseconds retry_policy::wait(std::uint32_t attempts, double jitter) const {
  auto wait = std::clamp(first, shortest_wait, longest_wait);
  const auto ceiling = std::clamp(max, shortest_wait, longest_wait);
  for (std::uint32_t i = 1; i < attempts && wait < ceiling; ++i) wait *= 2;
  wait = std::min(wait, ceiling);
  const double share = jitter > 0 ? std::min(jitter, 1.0) / 5 : 0;
  const auto less = static_cast<std::int64_t>(static_cast<double>(wait.count()) * share);
  return std::max(wait - milliseconds{less}, shortest_wait);
}

delivery_step next_step(const attempt_end& end, const retry_policy& policy) {
  delivery_step step;
  step.uncertain = end.uncertain;
  step.attempts = end.attempts + 1;
  const auto backoff = policy.wait(step.attempts, end.jitter);
  switch (end.outcome_class) {
    case outcome_class::delivered:
      step.state = delivery_state::delivered;
      return step;
    case outcome_class::permanent:
      end_for_good(step, end);
      return step;
    case outcome_class::throttled:
      step.endpoint = endpoint_action::slow_down;
      after_failure(step, end, policy, wished_or(end, backoff));
      return step;
    case outcome_class::config:
    case outcome_class::auth:
      after_pause(step, end);
      return step;
    case outcome_class::uncertain:
      // Soon, since the server was there a moment ago; but each further loss may mean one more copy, so with backoff.
      step.uncertain = true;
      after_failure(step, end, policy, end.uncertain ? backoff : policy.wait(1, end.jitter));
      return step;
    case outcome_class::returned:
      step.attempts = end.attempts;
      after_return(step, end);
      return step;
    case outcome_class::transient:
      break;
  }
  // Transient, and any class that this host does not know.
  after_failure(step, end, policy, std::max(backoff, wished_or(end, backoff)));
  return step;
}

}  // namespace tocsin
