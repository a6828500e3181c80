// A request's header as it came, held against RFC 9112: what two readers could take in two ways is refused.
#pragma once

#include "core/http/api.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// head: from the request line to the empty line, both included. Nothing: it may be read. A refusal is 400, 417 or
// 431.
std::optional<http_answer> check_head(std::string_view head);

// What is enough to refuse a header before its end has come: a line that ends in a line feed alone.
std::optional<http_answer> check_part_of_head(std::string_view part);

// The path and query of an absolute form (http://host/path), which a server has to take; any other as it is.
std::string origin_form(std::string_view target);

}  // namespace tocsin
