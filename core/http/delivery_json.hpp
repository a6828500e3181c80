// Deliveries and counts as the API shows them.
#pragma once

#include "core/model/code.hpp"
#include "core/model/delivery.hpp"

#include <boost/json/object.hpp>

#include <vector>

namespace tocsin {

boost::json::object to_json_object(const delivery_record& delivery, const code_table& codes);
boost::json::object to_json_object(const state_counts& counts);

}  // namespace tocsin
