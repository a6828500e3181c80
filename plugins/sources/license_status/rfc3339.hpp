// Times as license files have them: RFC 3339, section 5.6, to and from Unix milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::license_status {

// "2027-01-31T12:00:00Z", "2027-01-31T13:00:00.25+01:00"; nothing for any other text. Digits after the third of a
// fraction are dropped; a leap second counts as the second after it.
std::optional<std::int64_t> parse_time(std::string_view text);

// In UTC: "2027-01-31T12:00:00Z", with milliseconds only where there are any. For times that parse_time() gave.
std::string format_time(std::int64_t unix_ms);

}  // namespace tocsin::license_status
