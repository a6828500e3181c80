// A value of a settings file together with where it is written, so that a fault can name its line.
#pragma once

#include "core/model/fault.hpp"

#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tocsin {

struct setting_member;

// TOML's dates and times, which no setting takes: kept as text so that the fault can say what was found.
struct setting_time {
  std::string text;
};

struct setting_node {
  using array = std::vector<setting_node>;
  using table = std::vector<setting_member>;  // in the file's order; names are unique

  std::variant<std::string, std::int64_t, double, bool, setting_time, array, table> value;
  int line = 0;
  int column = 0;

  const table* as_table() const { return std::get_if<table>(&value); }
  const array* as_array() const { return std::get_if<array>(&value); }
  const std::string* as_string() const { return std::get_if<std::string>(&value); }
  // The member of a table. Null: there is none, or this is no table.
  const setting_member* find(std::string_view name) const;
};

struct setting_member {
  std::string name;
  setting_node value;
  int line = 0;  // of the name
  int column = 0;
};

// "a string", "a table": for sentences.
std::string_view kind_of(const setting_node& node);
// The value as JSON, as it is written.
boost::json::value to_json_value(const setting_node& node);
// The other way, for values that come from a manifest; places are 0.
setting_node to_setting_node(const boost::json::value& value);

// Reads TOML. A fault has line and column; `file` is what it names.
result<setting_node> parse_toml(std::string_view text, const std::string& file);

}  // namespace tocsin
