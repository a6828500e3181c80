// When a paused endpoint is probed, and how long an endpoint was paused: pure, no I/O, no clock.
#pragma once

#include "core/model/event.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// The wait before the next probe after `probes` that failed: 5 minutes, doubled each time, at most an hour.
std::chrono::milliseconds probe_wait(std::uint32_t probes);

// What waits on an endpoint that is paused or switched off is looked at this often: it may have expired.
inline constexpr std::chrono::milliseconds park_time = std::chrono::hours{1};

// How long a delivery waits that cannot be tried because of its organization's own part of the settings (a sender's
// name or switch over the host's server): as long as it has waited already, within 5 to 15 minutes.
std::chrono::milliseconds view_wait(std::chrono::milliseconds age);

// The pauses of an endpoint that have ended. Time in them does not count towards giving up.
class pause_history {
 public:
  static constexpr std::size_t limit = 32;  // pauses kept; the oldest are forgotten

  void add(time_ms since, time_ms until);
  // How much of the time between the two points was paused.
  std::chrono::milliseconds paused(time_ms from, time_ms to) const;

  // "since-until since-until": what the store remembers.
  std::string to_text() const;
  // Text that is no history adds nothing.
  void add_text(std::string_view text);

 private:
  struct interval {
    time_ms since;
    time_ms until;
  };
  std::vector<interval> intervals_;  // in order, not overlapping
};

}  // namespace tocsin
