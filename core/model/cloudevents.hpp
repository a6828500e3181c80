// CloudEvents 1.0 in their JSON format: https://github.com/cloudevents/spec (core 1.0.2, JSON event format 1.0.2).
#pragma once

#include "core/model/event.hpp"
#include "core/model/fault.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// One event in structured mode. Strict: UTF-8, no duplicate keys, at most 32 levels deep; specversion must be "1.0";
// id, source and type not empty; severity one of ours; expires and time RFC 3339; attribute names lower-case letters
// and digits. A fault's code is EVENT_INVALID, its place.key the attribute.
result<event> parse_cloudevent(std::string_view json);
// A batch (a JSON array). A fault names the index: "event 3: ...".
result<std::vector<event>> parse_cloudevent_batch(std::string_view json);

// What parse_cloudevent() checks of an event that came by another way (a plugin, the command line): all text is UTF-8,
// and data that says it is JSON is.
result<void> validate(const event& value);

// True where data is JSON: its content type says so, or there is none.
bool has_json_data(const event& value);

// The structured JSON form, on one line; parse_cloudevent() gives the same event back, and data as its publisher wrote
// it but for white space.
std::string to_json(const event& value);

}  // namespace tocsin
