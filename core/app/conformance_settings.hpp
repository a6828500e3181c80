// Settings for the conformance kit, made from a manifest's schema.
#pragma once

#include <boost/json/object.hpp>

#include <string>

namespace tocsin::app {

// One JSON object in the form in which a plugin gets its settings: defaults, a plausible value for each required key
// without one, and over them `given` (a JSON object or a file with one, as it would be written in TOML; may be empty).
// "{tmp}" in it stands for a private folder. Throws std::runtime_error if given does not hold the schema.
std::string conformance_settings(const boost::json::object& schema, const std::string& given);

}  // namespace tocsin::app
