// A schema of settings in words, for `plugin inspect`.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace tocsin::app {

struct setting_help {
  std::string key;     // dotted: "tls.ca_file"
  std::string values;  // "integer from 1 to 65535, default 587"
  std::string text;    // title and description
};

// One entry a key, in the schema's order; keys of a table follow one another.
std::vector<setting_help> explain_settings(const boost::json::object& schema);

}  // namespace tocsin::app
