// Checks values against the manifest's subset of JSON Schema (docs/formats/manifest.md) and brings them to the form in
// which plugins get them. Works on any setting_node, from TOML or from JSON; reads no file.
#pragma once

#include "core/model/fault.hpp"
#include "core/settings/setting_node.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// Where the checked value is: what faults name, and where relative paths start.
struct setting_site {
  std::string file;
  std::string key;  // dotted; of the table or value that is checked
  std::filesystem::path folder;
};

// One key of a table that has passed the check. A key is a leaf unless its schema is an object with properties.
struct checked_leaf {
  std::string key;           // dotted, from the checked table on
  boost::json::value value;  // duration: ms; size: bytes; path: absolute; secret: its reference, null where it is empty
  boost::json::value shown;  // as it is written
  int line = 0;
  int column = 0;
};

// What to do with keys that the schema does not name. pass_over: they become leaves without a value, for the plugin
// that knows them is not there.
enum class unknown_keys { refuse, pass_over };

// The leaves of a table, in its order; wrong ones are left out and added to `errors` (code SETTINGS_INVALID). A table
// is one level of several: `required` and `default` at its top and in nested tables are the caller's.
std::vector<checked_leaf> check_table(const setting_node& table, const boost::json::object& schema,
                                      const setting_site& site, unknown_keys unknown, faults& errors);

// A whole value: `required` holds and defaults are filled in. Nothing, and at least one fault, if it is wrong.
std::optional<boost::json::value> check_value(const setting_node& value, const boost::json::object& schema,
                                              const setting_site& site, faults& errors);

// A leaf as a schema describes it.
struct schema_leaf {
  std::string key;  // dotted
  const boost::json::object* schema = nullptr;
  bool required = false;  // by the table it is in
};
std::vector<schema_leaf> leaves_of(const boost::json::object& schema);

// The value with each secret's reference, wherever its schema says that there is one, replaced by what `replace` makes
// of it.
boost::json::value replace_secrets(boost::json::value value, const boost::json::object& schema,
                                   const std::function<boost::json::value(const std::string& reference)>& replace);

// The schema's "format", or empty.
std::string_view format_of(const boost::json::object& schema);

// Sets the value at a dotted key of an object, making the objects on the way.
void set_at(boost::json::object& object, std::string_view key, boost::json::value value);

}  // namespace tocsin
