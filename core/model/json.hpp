// Strict JSON: what foreign input and manifests are read with.
#pragma once

#include "core/model/fault.hpp"

#include <boost/json/value.hpp>

#include <cstddef>
#include <string_view>

namespace tocsin {

// UTF-8 without a byte order mark, no duplicate keys, nothing after the value, at most max_depth levels. A fault's
// place has line and column; its code is JSON_INVALID.
result<boost::json::value> parse_json(std::string_view text, std::size_t max_depth = 32);

}  // namespace tocsin
