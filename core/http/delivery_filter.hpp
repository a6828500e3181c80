// Which deliveries a call means, as its query says.
#pragma once

#include "core/model/store.hpp"

#include <cstdint>
#include <string_view>

namespace tocsin {

enum class filter_use : std::uint8_t {
  page,  // a listing: cursor and limit besides
  many,  // an action: at least one parameter, or all=true
};

// Fault REQUEST_INVALID.
result<delivery_filter> parse_delivery_filter(std::string_view query, filter_use use);

}  // namespace tocsin
