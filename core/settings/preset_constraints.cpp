// Checks a merged channel against its preset's constraints (docs/formats/manifest.md).
#include "core/settings/preset_constraints.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <regex>

namespace tocsin {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value && value->is_string() ? std::string(value->get_string()) : "";
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

// Addresses, which are what such rules compare, do not differ by case.
bool same(const json::value& a, const json::value& b) {
  return a.is_string() && b.is_string() ? equal_ignoring_case(a.get_string(), b.get_string()) : a == b;
}

bool matches(const json::value& value, const std::string& pattern) {
  if (!value.is_string() || value.get_string().size() > 4096) return false;
  try {
    return std::regex_match(std::string(value.get_string()), std::regex(pattern, std::regex::ECMAScript));
  } catch (const std::regex_error&) {
    return true;  // a defect of the preset's must not stop the channel
  }
}

bool is_secret(const merged_channel& channel, const std::string& key) {
  return std::any_of(channel.schema->leaves.begin(), channel.schema->leaves.end(),
                     [&](const schema_leaf& leaf) { return leaf.key == key && format_of(*leaf.schema) == "secret"; });
}

bool holds(const json::object& constraint, const merged_channel& channel, const json::value& value) {
  if (const auto* accepted = constraint.if_contains("enum"); accepted && accepted->is_array()) {
    const auto& values = accepted->get_array();
    if (std::find(values.begin(), values.end(), value) == values.end()) return false;
  }
  if (const auto pattern = text_at(constraint, "pattern"); !pattern.empty() && !matches(value, pattern)) return false;
  if (const auto other = text_at(constraint, "equals_key"); !other.empty()) {
    const auto* candidate = channel.winner(other);
    if (candidate && candidate->leaf.shown != json::value("") && !same(value, candidate->leaf.shown)) return false;
  }
  return true;
}

}  // namespace

void check_preset_constraints(const merged_channel& channel, const place& table, faults& warnings,
                              std::optional<fault>& problem) {
  const auto* constraints = channel.preset_data ? channel.preset_data->json.if_contains("constraints") : nullptr;
  if (!constraints || !constraints->is_array() || !channel.schema) return;
  for (const auto& item : constraints->get_array()) {
    const auto* constraint = item.if_object();
    if (!constraint) continue;
    const auto key = text_at(*constraint, "key");
    const auto* candidate = channel.winner(key);
    if (!candidate || is_secret(channel, key) || holds(*constraint, channel, candidate->leaf.shown)) continue;
    place where = candidate->place;
    if (where.line == 0) {
      where = table;
      where.key += "." + key;
    }
    auto code = text_at(*constraint, "code");
    fault broken{code.empty() ? "SETTINGS_INVALID" : std::move(code), text_at(*constraint, "text"), "",
                 std::move(where)};
    if (broken.what.empty()) broken.what = "The preset " + channel.preset + " does not take this value.";
    if (text_at(*constraint, "severity") == "warning") {
      warnings.push_back(std::move(broken));
    } else if (!problem) {
      problem = std::move(broken);
    }
  }
}

}  // namespace tocsin
