// Walks the schema of a manifest once, property by property.
#include "core/settings/manifest_check.hpp"

#include "core/model/capability.hpp"
#include "core/settings/core_schema.hpp"
#include "core/settings/schema.hpp"
#include "core/settings/suggestion.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace tocsin {
namespace {

namespace json = boost::json;

// std::regex recurses where a pattern nests, and a manifest is foreign.
constexpr std::size_t longest_pattern = 512;

// Carries a fault out of the walk; never leaves read_manifest().
struct refused {
  fault why;
};

[[noreturn]] void refuse(std::string key, std::string what) {
  throw refused{{"MANIFEST_INVALID",
                 std::move(what),
                 "Correct it in manifest.json and build again.",
                 {.file = {}, .key = std::move(key)}}};
}

std::string below(const std::string& key, std::string_view member) { return key + "." + std::string(member); }

struct keyword {
  std::string_view name;
  std::string_view types;  // those of schemas that it says something about; empty: of all
};
constexpr std::array keywords{keyword{"type", ""},
                              keyword{"title", ""},
                              keyword{"description", ""},
                              keyword{"default", ""},
                              keyword{"enum", ""},
                              keyword{"minimum", "integer number"},
                              keyword{"maximum", "integer number"},
                              keyword{"minLength", "string"},
                              keyword{"maxLength", "string"},
                              keyword{"pattern", "string"},
                              keyword{"format", "string"},
                              keyword{"items", "array"},
                              keyword{"properties", "object"},
                              keyword{"required", "object"}};
constexpr std::array<std::string_view, 6> types{"string", "integer", "number", "boolean", "array", "object"};
constexpr std::array<std::string_view, 4> formats{"duration", "size", "secret", "path"};

template <class List>
std::string listed(const List& names) {
  std::string text;
  for (std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

std::string_view text_of(const json::object& schema, std::string_view member, const std::string& key) {
  const auto* value = schema.if_contains(member);
  if (!value) return {};
  if (!value->is_string()) refuse(below(key, member), "must be a text.");
  return value->get_string();
}

std::string type_of(const json::object& schema, const std::string& key) {
  const std::string_view type = text_of(schema, "type", key);
  if (type.empty()) refuse(below(key, "type"), "is missing; it is one of " + listed(types) + ".");
  if (std::find(types.begin(), types.end(), type) == types.end())
    refuse(below(key, "type"), "must be one of " + listed(types) + ".");
  return std::string(type);
}

void check_keywords(const json::object& schema, const std::string& type, const std::string& key) {
  for (const auto& member : schema) {
    const auto known =
        std::find_if(keywords.begin(), keywords.end(), [&](const keyword& one) { return one.name == member.key(); });
    if (known == keywords.end()) {
      std::vector<std::string_view> names;
      for (const keyword& one : keywords) names.push_back(one.name);
      refuse(below(key, member.key()), "is no keyword of a setting's schema; known are " + listed(names) + ".");
    }
    if (!known->types.empty() && (" " + std::string(known->types) + " ").find(" " + type + " ") == std::string::npos)
      refuse(below(key, member.key()), "means nothing for the type " + type + ".");
  }
}

// Both ends of a range: numbers, the first not above the second.
void check_range(const json::object& schema, std::string_view least, std::string_view most, bool count,
                 const std::string& key) {
  std::optional<double> from;
  for (std::string_view member : {least, most}) {
    const auto* value = schema.if_contains(member);
    if (!value) continue;
    if (!value->is_number()) refuse(below(key, member), "must be a number.");
    const double number = value->to_number<double>();
    if (count && (value->is_double() || number < 0)) refuse(below(key, member), "must be a whole number from 0 on.");
    if (from && number < *from) refuse(below(key, member), "is less than " + std::string(least) + ".");
    from = number;
  }
}

void check_pattern(const json::object& schema, const std::string& key) {
  const std::string_view pattern = text_of(schema, "pattern", key);
  if (pattern.size() > longest_pattern)
    refuse(below(key, "pattern"), "must be no longer than " + std::to_string(longest_pattern) + " bytes.");
  try {
    static_cast<void>(std::regex(std::string(pattern), std::regex::ECMAScript));
  } catch (const std::regex_error& broken) {
    refuse(below(key, "pattern"), std::string("is no ECMAScript regular expression: ") + broken.what() + ".");
  }
}

void check_required(const json::object& schema, const json::object& properties, const std::string& key) {
  const auto* required = schema.if_contains("required");
  if (!required) return;
  if (!required->is_array()) refuse(below(key, "required"), "must be a list of names.");
  std::set<std::string_view> seen;
  for (std::size_t index = 0; index < required->get_array().size(); ++index) {
    const auto& name = required->get_array()[index];
    const std::string at = below(key, "required") + "[" + std::to_string(index) + "]";
    if (!name.is_string()) refuse(at, "must be a text.");
    const auto* property = properties.if_contains(name.get_string());
    if (!property) {
      std::vector<std::string> names;
      for (const auto& one : properties) names.emplace_back(one.key());
      const std::string near = nearest(name.get_string(), names);
      refuse(at, "names no property: there is no \"" + std::string(name.get_string()) + "\"" +
                     (near.empty() ? "." : "; did you mean \"" + near + "\"?"));
    }
    if (!seen.insert(name.get_string()).second) refuse(at, "is there twice.");
    if (property->get_object().contains("default"))
      refuse(at, "is required, so that its default would never hold: leave out one of the two.");
  }
}

// The schema as it is for values of a manifest's own: a pattern and a text that come from the same stranger could keep
// the matcher busy for ever.
json::object without_patterns(const json::object& schema) {
  json::object plain;
  for (const auto& member : schema) {
    if (member.key() == "pattern") continue;
    json::value& copy = plain[member.key()];
    copy = member.value();
    if (member.key() == "items" && copy.is_object()) copy = without_patterns(copy.get_object());
    if (member.key() == "properties" && copy.is_object()) {
      for (auto& property : copy.get_object())
        if (property.value().is_object()) property.value() = without_patterns(property.value().get_object());
    }
  }
  return plain;
}

// A value that stands for one of the operator's must pass the check that the operator's will meet, but for patterns.
void check_fits(const json::value& value, const json::object& schema, const std::string& key) {
  faults errors;
  const setting_site nowhere{"", key, "/"};
  if (check_value(to_setting_node(value), without_patterns(schema), nowhere, errors)) return;
  const std::string why = errors.empty() ? "" : " " + errors.front().what;
  refuse(errors.empty() || errors.front().place.key.empty() ? key : errors.front().place.key,
         json::serialize(value).substr(0, 80) + " is refused by the schema that it stands in." + why);
}

void check_schema(const json::value& value, const std::string& key);

void check_properties(const json::object& schema, const std::string& key) {
  static const json::object none;
  const auto* value = schema.if_contains("properties");
  if (value && !value->is_object()) refuse(below(key, "properties"), "must be an object.");
  const json::object& properties = value ? value->get_object() : none;
  for (const auto& property : properties) {
    const std::string at = below(below(key, "properties"), property.key());
    const std::string_view name = property.key();
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    if (name.empty() || !plain)
      refuse(at, "is no name for a setting: letters, digits, _ and - make a key that needs no quotes.");
    check_schema(property.value(), at);
  }
  check_required(schema, properties, key);
}

void check_schema(const json::value& value, const std::string& key) {
  if (!value.is_object()) refuse(key, "must be an object.");
  const json::object& schema = value.get_object();
  const std::string type = type_of(schema, key);
  check_keywords(schema, type, key);
  for (std::string_view member : {"title", "description"}) static_cast<void>(text_of(schema, member, key));
  const std::string_view format = text_of(schema, "format", key);
  if (schema.contains("format") && std::find(formats.begin(), formats.end(), format) == formats.end())
    refuse(below(key, "format"), "must be one of " + listed(formats) + ".");
  check_range(schema, "minimum", "maximum", false, key);
  check_range(schema, "minLength", "maxLength", true, key);
  check_pattern(schema, key);
  if (const auto* items = schema.if_contains("items")) check_schema(*items, below(key, "items"));
  check_properties(schema, key);
  if (const auto* accepted = schema.if_contains("enum")) {
    if (!accepted->is_array() || accepted->get_array().empty())
      refuse(below(key, "enum"), "must be a list of at least one value.");
    for (const auto& one : accepted->get_array()) check_fits(one, schema, below(key, "enum"));
  }
  if (const auto* standard = schema.if_contains("default")) check_fits(*standard, schema, below(key, "default"));
}

// Whether a dotted key leads to a setting, or to a table of settings.
bool leads_somewhere(const json::object& schema, std::string_view key) {
  const auto dot = key.find('.');
  const auto* properties = schema.if_contains("properties");
  const auto* property =
      properties && properties->is_object() ? properties->get_object().if_contains(key.substr(0, dot)) : nullptr;
  if (!property || !property->is_object()) return false;
  return dot == std::string_view::npos || leads_somewhere(property->get_object(), key.substr(dot + 1));
}

bool offers(const manifest& about, std::string_view kind) {
  return std::any_of(about.provides.begin(), about.provides.end(),
                     [&](const std::string& id) { return id.starts_with(kind); });
}

void check_groups(const manifest& about) {
  for (const auto& [name, keys] : about.groups) {
    for (std::size_t index = 0; index < keys.size(); ++index) {
      if (leads_somewhere(about.settings, keys[index]) || leads_somewhere(channel_core_schema(), keys[index])) continue;
      refuse("groups." + name + "[" + std::to_string(index) + "]",
             "names no setting: there is no \"" + keys[index] + "\" in \"settings\".");
    }
  }
}

// A service's are those of the channels that use it, which are not known here.
void check_capabilities(const manifest& about) {
  const std::array<std::string_view, 4> kinds_with_settings{"tocsin.channel/", "tocsin.source/", "tocsin.subscriber/",
                                                            "tocsin.secrets/"};
  if (std::none_of(kinds_with_settings.begin(), kinds_with_settings.end(),
                   [&](std::string_view kind) { return offers(about, kind); }))
    return;
  for (std::size_t index = 0; index < about.capabilities.size(); ++index) {
    for (const std::string_view key : settings_of_capability(about.capabilities[index])) {
      if (leads_somewhere(about.settings, key)) continue;
      refuse("capabilities[" + std::to_string(index) + "]",
             "names no setting: there is no \"" + std::string(key) + "\" in \"settings\".");
    }
  }
}

// A setting that the host keeps to itself would never reach the plugin.
void check_names(const manifest& about) {
  const auto* properties = about.settings.if_contains("properties");
  if (!properties) return;
  const std::array<std::pair<std::string_view, const json::object*>, 4> kinds{
      {{"channel", &channel_core_schema()},
       {"source", &source_core_schema()},
       {"subscriber", &subscriber_core_schema()},
       {"secrets", &secret_store_core_schema()}}};
  for (const auto& [kind, own] : kinds) {
    if (!offers(about, "tocsin." + std::string(kind) + "/")) continue;
    for (const auto& property : properties->get_object()) {
      if (leads_somewhere(*own, property.key()))
        refuse(below("settings.properties", property.key()),
               "is a setting of the host's own, which no plugin gets: choose another name.");
    }
  }
}

}  // namespace

result<manifest> read_manifest(std::string_view text) {
  auto about = parse_manifest(text);
  if (!about) return about;
  try {
    if (!about->settings.empty()) check_schema(about->settings, "settings");
    check_groups(*about);
    check_capabilities(*about);
    check_names(*about);
  } catch (const refused& broken) {
    return broken.why;
  }
  return about;
}

}  // namespace tocsin
