// How many messages an endpoint may still send, a second and a day: pure, no I/O, no clock.
#pragma once

#include "core/model/event.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// 0: no limit.
struct quota_limits {
  std::uint64_t per_second = 0;
  std::uint64_t per_day = 0;

  bool operator==(const quota_limits&) const = default;
};

// limits.messages_per_second and limits.messages_per_day of a channel's settings, whatever its plugin.
quota_limits quota_limits_of(const boost::json::object& settings);

// A second's messages may go at once, then one after the other. A day is any 24 hours, looked at in hours: an hour's
// messages count until 24 hours after its end, so the limit holds for every 24 hours.
class quota_policy {
 public:
  void set(quota_limits limits, std::chrono::nanoseconds at);
  const quota_limits& limits() const { return limits_; }

  // How many more may be taken up now. under_way: those that the day may yet count; waiting: those of them that have
  // not begun.
  std::uint64_t allowance(std::chrono::nanoseconds at, time_ms now, std::uint64_t under_way,
                          std::uint64_t waiting = 0) const;
  void begin(std::uint64_t messages, std::chrono::nanoseconds at);
  void sent(std::uint64_t messages, time_ms now);

  // The day's messages are used up until then.
  std::optional<time_ms> used_up_until(time_ms now) const;
  // Until another one may begin, as far as the second's limit goes.
  std::chrono::milliseconds wait(std::chrono::nanoseconds at) const;

  // "hour:messages hour:messages": what the store remembers; hours are Unix time in milliseconds.
  std::string to_text() const;
  // Text that is none adds nothing.
  void add_text(std::string_view text);

 private:
  struct hour {
    time_ms starts;
    std::uint64_t messages;
  };
  double tokens(std::chrono::nanoseconds at) const;
  bool counts(const hour& one, time_ms now) const;
  void add(time_ms starts, std::uint64_t messages);

  quota_limits limits_;
  double tokens_ = 0;
  std::chrono::nanoseconds filled_at_{0};
  std::vector<hour> hours_;  // in order
};

}  // namespace tocsin
