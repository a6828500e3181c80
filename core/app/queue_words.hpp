// Deliveries, pauses and times as the commands print them.
#pragma once

#include "core/app/commands.hpp"
#include "core/app/console.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace tocsin::app {

// A member's text; "-" where there is none.
std::string shown(const boost::json::object& object, std::string_view name);
colour colour_of_state(std::string_view state);

// "in 4 min", "3 h ago"; "now" within a second. rfc3339 as the host writes it.
std::string relative_to_now(std::string_view rfc3339);

// When a delivery is tried next, in words: one whose endpoint is paused waits for the probe, whatever stands in
// next_attempt.
std::string next_try(const boost::json::object& delivery);

// One line a delivery, and one for each pause that holds some of them.
void print_deliveries(const boost::json::array& deliveries);

// "event_id=…&state=…" of the options that were given; empty: none were.
std::string filter_query(const queue_filter& filter);

}  // namespace tocsin::app
