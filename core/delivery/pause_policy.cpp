// When a paused endpoint is probed, and how long an endpoint was paused.
#include "core/delivery/pause_policy.hpp"

#include <algorithm>
#include <charconv>

namespace tocsin {

using std::chrono::milliseconds;
using std::chrono::minutes;

milliseconds probe_wait(std::uint32_t probes) {
  constexpr milliseconds longest = std::chrono::hours{1};
  milliseconds wait = minutes{5};
  for (std::uint32_t i = 0; i < probes && wait < longest; ++i) wait *= 2;
  return std::min(wait, longest);
}

milliseconds view_wait(milliseconds age) {
  return std::clamp(age, milliseconds{minutes{5}}, milliseconds{minutes{15}});
}

void pause_history::add(time_ms since, time_ms until) {
  if (until <= since) return;
  interval added{since, until};
  std::erase_if(intervals_, [&](const interval& old) {
    if (old.until < added.since || old.since > added.until) return false;
    added.since = std::min(added.since, old.since);
    added.until = std::max(added.until, old.until);
    return true;
  });
  const auto later =
      std::find_if(intervals_.begin(), intervals_.end(), [&](const interval& old) { return old.since > added.since; });
  intervals_.insert(later, added);
  if (intervals_.size() > limit) intervals_.erase(intervals_.begin());
}

milliseconds pause_history::paused(time_ms from, time_ms to) const {
  time_ms sum = 0;
  for (const auto& one : intervals_) {
    const auto overlap = std::min(to, one.until) - std::max(from, one.since);
    if (overlap > 0) sum += overlap;
  }
  return milliseconds{sum};
}

std::string pause_history::to_text() const {
  std::string text;
  for (const auto& one : intervals_) {
    if (!text.empty()) text += ' ';
    text += std::to_string(one.since) + '-' + std::to_string(one.until);
  }
  return text;
}

void pause_history::add_text(std::string_view text) {
  while (!text.empty()) {
    const auto one = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    interval read{};
    const auto* const end = one.data() + one.size();
    const auto since = std::from_chars(one.data(), end, read.since);
    if (since.ec != std::errc{} || since.ptr == end || *since.ptr != '-') return;
    const auto until = std::from_chars(since.ptr + 1, end, read.until);
    if (until.ec != std::errc{} || until.ptr != end) return;
    add(read.since, read.until);
  }
}

}  // namespace tocsin
