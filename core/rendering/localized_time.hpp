// Points in time as people of a language and a time zone write them.
#pragma once

#include "core/model/event.hpp"

#include <cstdint>
#include <string>

namespace tocsin {

// "November 21, 2026 at 23:53 UTC", "22 novembre 2026 à 00:53 UTC+1". A zone that is not known counts as UTC, a
// language as English. [any thread]
std::string localized_date_time(time_ms time, const std::string& language, const std::string& time_zone);
// "November 21, 2026".
std::string localized_date(time_ms time, const std::string& language, const std::string& time_zone);
// How many midnights of the zone lie between the two: 3 from November 22 to November 25, whatever the hours. Negative
// where `to` is the earlier one.
std::int64_t calendar_days(time_ms from, time_ms to, const std::string& time_zone);

}  // namespace tocsin
