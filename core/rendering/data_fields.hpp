// An event's data as a bounded list of fields that a person can read.
#pragma once

#include "core/model/event.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace tocsin {

struct data_field {
  std::string name;  // one line
  std::string value;
};

struct event_data {
  boost::json::object json;  // the data where it is a JSON object; else empty
  std::vector<data_field>
      fields;                 // each top-level field in its order: scalars as they are, nested ones as compact JSON
  std::size_t not_shown = 0;  // further fields
  std::string text;           // data that is no JSON object, as it is
};

inline constexpr std::size_t most_fields = 100;
inline constexpr std::size_t longest_value = 2000;  // bytes; what is longer is cut
inline constexpr std::size_t longest_text = 4000;
inline constexpr std::size_t most_bytes = 64 * 1024;  // of all values together: further fields are not shown

// Never fails: what cannot be read as JSON is shown as the text that it is.
event_data read_event_data(const event& value);

}  // namespace tocsin
