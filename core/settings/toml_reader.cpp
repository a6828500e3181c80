// TOML into setting nodes: the one place that knows toml++.
#include "core/settings/setting_node.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

namespace tocsin {
namespace {

int line_of(const toml::source_region& region) { return static_cast<int>(region.begin.line); }
int column_of(const toml::source_region& region) { return static_cast<int>(region.begin.column); }

template <class T>
std::string text_of(const T& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

setting_node convert(const toml::node& from) {
  setting_node node;
  node.line = line_of(from.source());
  node.column = column_of(from.source());
  if (const auto* table = from.as_table()) {
    auto& members = node.value.emplace<setting_node::table>();
    members.reserve(table->size());
    for (const auto& [name, value] : *table) {
      members.push_back({std::string(name.str()), convert(value), line_of(name.source()), column_of(name.source())});
    }
    // toml++ sorts by name; people expect the order in which they wrote.
    std::stable_sort(members.begin(), members.end(), [](const setting_member& a, const setting_member& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
  } else if (const auto* array = from.as_array()) {
    auto& items = node.value.emplace<setting_node::array>();
    items.reserve(array->size());
    for (const auto& item : *array) items.push_back(convert(item));
  } else if (const auto* text = from.as_string()) {
    node.value = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.value = integer->get();
  } else if (const auto* number = from.as_floating_point()) {
    node.value = number->get();
  } else if (const auto* flag = from.as_boolean()) {
    node.value = flag->get();
  } else if (const auto* date = from.as_date()) {
    node.value = setting_time{text_of(date->get())};
  } else if (const auto* time = from.as_time()) {
    node.value = setting_time{text_of(time->get())};
  } else if (const auto* date_time = from.as_date_time()) {
    node.value = setting_time{text_of(date_time->get())};
  }
  return node;
}

}  // namespace

result<setting_node> parse_toml(std::string_view text, const std::string& file) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    return fault{"SETTINGS_INVALID",
                 "This is not TOML: " + std::string(error.description()) + ".",
                 "Correct the line; https://toml.io/en/v1.0.0 has the syntax.",
                 {file, line_of(error.source()), column_of(error.source()), ""}};
  }
  return convert(parsed.table());
}

}  // namespace tocsin
