// Values of a settings file: look-up and the way from and to JSON.
#include "core/settings/setting_node.hpp"

#include <boost/json.hpp>

#include <array>

namespace tocsin {

const setting_member* setting_node::find(std::string_view name) const {
  if (const auto* members = as_table()) {
    for (const auto& member : *members) {
      if (member.name == name) return &member;
    }
  }
  return nullptr;
}

std::string_view kind_of(const setting_node& node) {
  static constexpr std::array<std::string_view, 7> words = {"a string", "an integer", "a number", "a boolean",
                                                            "a date",   "an array",   "a table"};
  return words[node.value.index()];
}

namespace {

namespace json = boost::json;

struct json_maker {
  json::value operator()(const std::string& text) const { return json::value(text); }
  json::value operator()(std::int64_t number) const { return number; }
  json::value operator()(double number) const { return number; }
  json::value operator()(bool flag) const { return flag; }
  json::value operator()(const setting_time& time) const { return json::value(time.text); }
  json::value operator()(const setting_node::array& items) const {
    json::array result;
    for (const auto& item : items) result.push_back(to_json_value(item));
    return result;
  }
  json::value operator()(const setting_node::table& members) const {
    json::object result;
    for (const auto& member : members) result[member.name] = to_json_value(member.value);
    return result;
  }
};

}  // namespace

json::value to_json_value(const setting_node& node) { return std::visit(json_maker{}, node.value); }

setting_node to_setting_node(const json::value& value) {
  setting_node node;
  if (value.is_string()) {
    node.value = std::string(value.get_string());
  } else if (value.is_bool()) {
    node.value = value.get_bool();
  } else if (value.is_double()) {
    node.value = value.get_double();
  } else if (value.is_int64()) {
    node.value = value.get_int64();
  } else if (value.is_uint64()) {
    node.value = static_cast<double>(value.get_uint64());
  } else if (value.is_array()) {
    auto& items = node.value.emplace<setting_node::array>();
    for (const auto& item : value.get_array()) items.push_back(to_setting_node(item));
  } else if (value.is_object()) {
    auto& members = node.value.emplace<setting_node::table>();
    for (const auto& member : value.get_object()) {
      members.push_back({std::string(member.key()), to_setting_node(member.value()), 0, 0});
    }
  } else {
    node.value = setting_time{"null"};  // TOML has no null; no schema takes it
  }
  return node;
}

}  // namespace tocsin
