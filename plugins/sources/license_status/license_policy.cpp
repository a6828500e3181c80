// The rules of license announcements.
#include "plugins/sources/license_status/license_policy.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace tocsin::license_status {
namespace {

constexpr std::int64_t day_ms = 24 * 60 * 60 * 1000;

// Days begun, so that at exactly N days and in all of the day before it N are left; negative whole days after the end.
std::int64_t days_left(std::int64_t expires_ms, std::int64_t now_ms) {
  const std::int64_t left = expires_ms - now_ms;
  return left > 0 ? (left + day_ms - 1) / day_ms : left / day_ms;
}

std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return number;
}

}  // namespace

// "1 EXPIRES SINCE STEP EXPIRED"; the 1 is the version of this format, STEP is 0 where there is none.
std::string to_memory(const knowledge& known) {
  return "1 " + std::to_string(known.expires_ms) + " " + std::to_string(known.since_ms) + " " +
         std::to_string(known.step.value_or(0)) + " " + (known.expired ? "1" : "0");
}

std::optional<knowledge> from_memory(std::string_view text) {
  const auto version = take_number(text);
  const auto expires = take_number(text);
  const auto since = take_number(text);
  const auto step = take_number(text);
  const auto expired = take_number(text);
  if (version != 1 || !expires || !since || !step || *step < 0 || !expired || !text.empty()) return std::nullopt;
  knowledge known;
  known.expires_ms = *expires;
  known.since_ms = *since;
  if (*step > 0) known.step = *step;
  known.expired = *expired != 0;
  return known;
}

decision decide(const policy_settings& settings, const std::optional<knowledge>& known, const license& file,
                std::int64_t now_ms) {
  notice made;
  made.days_left = days_left(file.expires_ms, now_ms);

  knowledge next = known.value_or(knowledge{file.expires_ms, now_ms, std::nullopt, false});
  if (next.expires_ms != file.expires_ms) {
    const bool announced = next.step || next.expired;
    made.previous_expires_ms = next.expires_ms;
    next = knowledge{file.expires_ms, now_ms, std::nullopt, false};
    // A new end that is past already renews nothing.
    if (announced && file.expires_ms > made.previous_expires_ms && file.expires_ms > now_ms) {
      made.kind = notice_kind::renewed;
      return {made, next};
    }
    made.previous_expires_ms = 0;
  }

  const auto is_late = [&](std::int64_t moment_ms) {
    return moment_ms > next.since_ms && now_ms - moment_ms > settings.tolerance.count();
  };
  if (now_ms >= file.expires_ms) {
    if (!next.expired) {
      next.expired = true;
      made.kind = notice_kind::expired;
      made.late = is_late(file.expires_ms);
      return {made, next};
    }
  } else if (!next.expired) {
    std::optional<std::int64_t> nearest;
    for (const std::int64_t step : settings.steps) {
      if (now_ms >= file.expires_ms - step * day_ms && (!nearest || step < *nearest)) nearest = step;
    }
    if (nearest && (!next.step || *nearest < *next.step)) {
      next.step = nearest;
      made.kind = notice_kind::expiring;
      made.step = *nearest;
      made.late = is_late(file.expires_ms - *nearest * day_ms);
      return {made, next};
    }
  }
  return {std::nullopt, known == next ? std::nullopt : std::optional<knowledge>(next)};
}

std::vector<license> current_licenses(std::vector<license> files, std::string_view organization) {
  std::map<std::string, license> by_identity;
  for (license& file : files) {
    if (file.organization.empty()) file.organization = organization;
    auto [at, is_new] = by_identity.try_emplace(identity(file), file);
    if (!is_new && file.expires_ms > at->second.expires_ms) at->second = std::move(file);
  }
  std::vector<license> current;
  for (auto& [name, file] : by_identity) current.push_back(std::move(file));
  return current;
}

std::string encode_name(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char at : text) {
    const bool plain = (at >= 'a' && at <= 'z') || (at >= 'A' && at <= 'Z') || (at >= '0' && at <= '9') || at == '-' ||
                       at == '.' || at == '_' || at == '~';
    if (plain) {
      encoded.push_back(at);
    } else {
      const unsigned char byte = static_cast<unsigned char>(at);
      encoded.push_back('%');
      encoded.push_back(digits[byte >> 4]);
      encoded.push_back(digits[byte & 0xf]);
    }
  }
  return encoded;
}

std::string identity(const license& file) {
  return encode_name(file.product) + "/" + encode_name(file.holder) + "/" + encode_name(file.organization);
}

}  // namespace tocsin::license_status
