// Strict JSON: what foreign input and manifests are read with.
#pragma once

#include "core/model/fault.hpp"

#include <boost/json/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// UTF-8 without a byte order mark, no duplicate keys, nothing after the value, at most max_depth levels. A fault's
// place has line and column; its code is JSON_INVALID.
result<boost::json::value> parse_json(std::string_view text, std::size_t max_depth = 32);

// The member of this name; empty: there is none, or it is no text.
std::string text_of(const boost::json::object& of, std::string_view name);

// A member of an object or an element of an array, as it is written.
struct json_part {
  std::string_view name;  // in its quotes; empty in an array
  std::string_view value;
};
// The parts of an object or array that parse_json() has taken, in their order: for what must stay as somebody wrote it,
// such as a number, which a parsed value may not hold exactly.
std::vector<json_part> json_parts(std::string_view text);
// JSON that parse_json() has taken, without the white space between its parts; all else stays as it is written.
std::string compact_json(std::string_view text);

}  // namespace tocsin
