#include "core/app/setting_help.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace tocsin::app {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& of, std::string_view key) {
  const auto* value = of.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::string range_of(const json::object& property, std::string_view low, std::string_view high) {
  const auto* from = property.if_contains(low);
  const auto* to = property.if_contains(high);
  if (from != nullptr && to != nullptr) return " from " + json::serialize(*from) + " to " + json::serialize(*to);
  if (from != nullptr) return " from " + json::serialize(*from);
  return to == nullptr ? "" : " up to " + json::serialize(*to);
}

std::string kind_of(const json::object& property) {
  const auto format = text_at(property, "format");
  if (format == "duration") return "duration, such as \"30s\"";
  if (format == "size") return "size, such as \"8MiB\"";
  if (format == "secret") return "secret: \"file:PATH\", \"env:NAME\" or \"credential:NAME\"";
  if (format == "path") return "path";
  if (const auto* values = property.if_contains("enum"); values != nullptr && values->is_array()) {
    std::string all;
    for (const auto& value : values->get_array()) all += (all.empty() ? "" : " | ") + json::serialize(value);
    return all;
  }
  const auto type = text_at(property, "type");
  if (type == "array") {
    const auto* items = property.if_contains("items");
    return "list" + (items != nullptr && items->is_object() ? " of " + kind_of(items->get_object()) : std::string());
  }
  return type + range_of(property, "minimum", "maximum");
}

bool is_required(const json::object& schema, std::string_view name) {
  const auto* required = schema.if_contains("required");
  if (required == nullptr || !required->is_array()) return false;
  const auto& names = required->get_array();
  return std::any_of(names.begin(), names.end(),
                     [&](const json::value& one) { return one.is_string() && one.get_string() == name; });
}

void explain(const json::object& schema, const std::string& above, std::vector<setting_help>& found) {
  const auto* properties = schema.if_contains("properties");
  if (properties == nullptr || !properties->is_object()) return;
  for (const auto& [name, value] : properties->get_object()) {
    if (!value.is_object()) continue;
    const auto& property = value.get_object();
    const std::string key = above + std::string(name);
    if (property.contains("properties")) {
      explain(property, key + ".", found);
      continue;
    }
    std::string values = kind_of(property);
    if (const auto* standard = property.if_contains("default")) values += ", default " + json::serialize(*standard);
    if (is_required(schema, name)) values += ", required";
    std::string text = text_at(property, "title");
    const auto description = text_at(property, "description");
    if (!text.empty() && !description.empty()) text += ". ";
    text += description;
    found.push_back({key, values, std::move(text)});
  }
}

}  // namespace

std::vector<setting_help> explain_settings(const json::object& schema) {
  std::vector<setting_help> found;
  explain(schema, "", found);
  return found;
}

}  // namespace tocsin::app
