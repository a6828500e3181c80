// The parser of license files: bytes to a value, or to a sentence that says what is wrong. docs/formats/license.md
#pragma once

#include <boost/system/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::license_status {

// More cannot be a license.
inline constexpr std::size_t largest_file_bytes = 1u << 20;
inline constexpr std::size_t longest_name_bytes = 256;

struct license {
  std::string product;
  std::string holder;
  std::string organization;     // empty: the source's own
  std::int64_t expires_ms = 0;  // Unix time
  std::optional<std::int64_t> seats;
  std::optional<std::int64_t> used;

  bool operator==(const license&) const = default;
};

// The error is one line without the file's name. Reads any bytes; throws nothing but std::bad_alloc.
boost::system::result<license, std::string> parse_license(std::string_view bytes);

}  // namespace tocsin::license_status
