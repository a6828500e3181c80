// How many messages an endpoint may still send, a second and a day.
#include "core/delivery/quota_policy.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace tocsin {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr time_ms hour_ms = 3'600'000;
constexpr time_ms day_ms = 24 * hour_ms;
constexpr std::uint64_t boundless = std::numeric_limits<std::uint32_t>::max();

std::uint64_t number_at(const boost::json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_int64() && value->get_int64() > 0
             ? static_cast<std::uint64_t>(value->get_int64())
             : 0;
}

}  // namespace

quota_limits quota_limits_of(const boost::json::object& settings) {
  const auto* limits = settings.if_contains("limits");
  if (limits == nullptr || !limits->is_object()) return {};
  return {number_at(limits->get_object(), "messages_per_second"), number_at(limits->get_object(), "messages_per_day")};
}

void quota_policy::set(quota_limits limits, nanoseconds at) {
  if (limits.per_second != limits_.per_second) {
    tokens_ = static_cast<double>(limits.per_second);
    filled_at_ = at;
  }
  limits_ = limits;
}

double quota_policy::tokens(nanoseconds at) const {
  const auto rate = static_cast<double>(limits_.per_second);
  const std::chrono::duration<double> since = std::max(at - filled_at_, nanoseconds{0});
  return std::min(rate, tokens_ + since.count() * rate);
}

bool quota_policy::counts(const hour& one, time_ms now) const {
  // What lies ahead was counted by a clock that has been set back since.
  return one.starts + hour_ms + day_ms > now && one.starts < now + day_ms;
}

std::uint64_t quota_policy::allowance(nanoseconds at, time_ms now, std::uint64_t under_way,
                                      std::uint64_t waiting) const {
  std::uint64_t most = boundless;
  if (limits_.per_second > 0) {
    // A hair less than one is one: times are rounded to milliseconds.
    const auto ready = static_cast<std::uint64_t>(std::floor(tokens(at) + 1e-6));
    most = ready > waiting ? ready - waiting : 0;
  }
  if (limits_.per_day > 0) {
    std::uint64_t used = under_way;
    for (const auto& one : hours_) used += counts(one, now) ? one.messages : 0;
    most = std::min(most, limits_.per_day > used ? limits_.per_day - used : 0);
  }
  return most;
}

void quota_policy::begin(std::uint64_t messages, nanoseconds at) {
  if (limits_.per_second == 0) return;
  tokens_ = std::max(0.0, tokens(at) - static_cast<double>(messages));
  filled_at_ = at;
}

void quota_policy::add(time_ms starts, std::uint64_t messages) {
  const auto at = std::lower_bound(hours_.begin(), hours_.end(), starts,
                                   [](const hour& one, time_ms wanted) { return one.starts < wanted; });
  if (at != hours_.end() && at->starts == starts) {
    at->messages += messages;
  } else {
    hours_.insert(at, {starts, messages});
  }
}

void quota_policy::sent(std::uint64_t messages, time_ms now) {
  std::erase_if(hours_, [&](const hour& one) { return !counts(one, now); });
  add(now / hour_ms * hour_ms, messages);
}

std::optional<time_ms> quota_policy::used_up_until(time_ms now) const {
  if (limits_.per_day == 0) return std::nullopt;
  std::uint64_t used = 0;
  for (const auto& one : hours_) used += counts(one, now) ? one.messages : 0;
  std::optional<time_ms> until;
  for (const auto& one : hours_) {
    if (used < limits_.per_day) break;
    if (!counts(one, now)) continue;
    used -= one.messages;
    until = one.starts + hour_ms + day_ms;
  }
  return until;
}

milliseconds quota_policy::wait(nanoseconds at) const {
  const double missing = 1.0 - tokens(at);
  if (limits_.per_second == 0 || missing <= 0) return milliseconds{0};
  return milliseconds{static_cast<std::int64_t>(std::ceil(missing * 1000.0 / static_cast<double>(limits_.per_second)))};
}

std::string quota_policy::to_text() const {
  std::string text;
  for (const auto& one : hours_) {
    if (!text.empty()) text += ' ';
    text += std::to_string(one.starts) + ':' + std::to_string(one.messages);
  }
  return text;
}

void quota_policy::add_text(std::string_view text) {
  while (!text.empty()) {
    const auto one = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    hour read{};
    const auto* const end = one.data() + one.size();
    const auto starts = std::from_chars(one.data(), end, read.starts);
    if (starts.ec != std::errc{} || starts.ptr == end || *starts.ptr != ':') return;
    const auto messages = std::from_chars(starts.ptr + 1, end, read.messages);
    if (messages.ec != std::errc{} || messages.ptr != end) return;
    add(read.starts, read.messages);
  }
}

}  // namespace tocsin
