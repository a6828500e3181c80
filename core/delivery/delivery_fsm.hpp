// What becomes of a delivery after an attempt: pure, no I/O, no clock.
#pragma once

#include "core/model/delivery.hpp"
#include "core/model/outcome.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace tocsin {

struct retry_policy {
  std::chrono::milliseconds first;    // wait after the first failed attempt
  std::chrono::milliseconds max;      // no wait is longer
  std::chrono::milliseconds give_up;  // from acceptance

  // The wait after `attempts` failed ones: first doubled each time up to max, less up to a fifth of it by jitter
  // (0..1), so that what failed together is not tried together.
  std::chrono::milliseconds wait(std::uint32_t attempts, double jitter) const;
};

// An attempt's end, with what the decision needs.
struct attempt_end {
  tocsin::outcome_class outcome_class;
  std::optional<std::chrono::milliseconds> retry_after;
  std::uint32_t attempts = 0;  // made before this one
  bool uncertain = false;      // before this one
  time_ms created = 0;
  time_ms now = 0;
  std::optional<time_ms> expires;  // the event's time to live
  std::chrono::milliseconds paused{
      0};  // how long the endpoint was paused since acceptance: not counted towards give_up
  bool has_next_channel = false;
  double jitter = 0;
};

enum class endpoint_action { none, pause, slow_down };

struct delivery_step {
  delivery_state state = delivery_state::deferred;
  std::uint32_t attempts = 0;
  bool uncertain = false;
  std::optional<time_ms> next_attempt;
  endpoint_action endpoint = endpoint_action::none;
};

// superseded where it would be dead and a next channel is there.
delivery_step next_step(const attempt_end& end, const retry_policy& policy);

}  // namespace tocsin
