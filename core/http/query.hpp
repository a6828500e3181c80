// A request's target, taken apart: path and query parameters (RFC 3986).
#pragma once

#include "core/model/fault.hpp"

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

struct request_target {
  std::string_view path;   // as sent
  std::string_view query;  // as sent, without '?'
};

request_target split_target(std::string_view target);

// Nothing: the encoding is broken, or what it gives is no UTF-8. '+' stays '+'.
std::optional<std::string> percent_decode(std::string_view text);

using query_parameters = std::map<std::string, std::string, std::less<>>;

// Percent-encoding undone; '+' stays '+', as it does in an address. Fault REQUEST_INVALID: a name that is not in
// `known` or comes twice, broken percent-encoding, bytes that are no UTF-8; its place.key is the name.
result<query_parameters> parse_query(std::string_view query, std::initializer_list<std::string_view> known);

}  // namespace tocsin
