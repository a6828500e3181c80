// Text of any origin made fit for a file: UTF-8, headers, names of files, dates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::file {

// Bytes that are no UTF-8 become U+FFFD.
std::string clean_utf8(std::string_view text);

// A header's value after "Name: ": printable ASCII as it is, folded at spaces; all else as encoded words (RFC 2047).
// Control characters, line ends among them, become spaces.
std::string header_text(std::string_view text);

// Printable ASCII without a character that would need quotes in an address, and one @ with something on either side.
bool is_plain_address(std::string_view text);

// "Sat, 22 Nov 2025 00:33:01 +0000" (RFC 5322, section 3.3).
std::string mail_date(std::int64_t unix_ms);
// "2025-11-22T00:33:01.000Z" (RFC 3339).
std::string iso_time(std::int64_t unix_ms);

// Letters, digits, '-' and '.' as they are, each other byte as _XX; no two texts have the same name. Long ones end in a
// hash instead.
std::string file_name(std::string_view text);

std::string to_base64(std::string_view bytes);

}  // namespace tocsin::file
