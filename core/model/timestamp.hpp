// Points in time as text: RFC 3339, and lengths of time as settings write them ("15m").
#pragma once

#include "core/model/event.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// RFC 3339 section 5.6 date-time with any offset, 'T' or 't' or ' ' between date and time; fractions beyond ms are cut.
std::optional<time_ms> parse_rfc3339(std::string_view text);
// "2026-11-21T23:30:00Z", with ".123" only where the milliseconds are not 0. In UTC.
std::string to_rfc3339(time_ms time);

// An integer and ms, s, m, h or d. Nothing, if text is not that, or the length is beyond 100,000 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// An integer and KiB, MiB or GiB, or an integer alone for bytes.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace tocsin
