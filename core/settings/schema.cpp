// The schema checker: types, ranges, patterns, formats, names; one fault for each thing that is wrong.
#include "core/settings/schema.hpp"

#include "core/model/timestamp.hpp"
#include "core/runtime/per_thread.hpp"
#include "core/settings/secret_reference.hpp"
#include "core/settings/suggestion.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <regex>

namespace tocsin {
namespace {

namespace json = boost::json;

// std::regex recurses once a character: a longer text could use up the stack.
constexpr std::size_t longest_pattern_text = 4096;
constexpr std::size_t longest_shown = 60;

std::string_view text_at(const json::object& schema, std::string_view member) {
  const auto* value = schema.if_contains(member);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

const json::object* object_at(const json::object& schema, std::string_view member) {
  const auto* value = schema.if_contains(member);
  return value ? value->if_object() : nullptr;
}

bool is_table_schema(const json::object& schema) {
  return text_at(schema, "type") == "object" && object_at(schema, "properties");
}

bool requires_member(const json::object& schema, std::string_view name) {
  const auto* required = schema.if_contains("required");
  if (!required || !required->is_array()) return false;
  return std::any_of(required->get_array().begin(), required->get_array().end(),
                     [&](const json::value& item) { return item.is_string() && item.get_string() == name; });
}

std::vector<std::string> names_of(const json::object& properties) {
  std::vector<std::string> names;
  for (const auto& property : properties) names.emplace_back(property.key());
  return names;
}

// A file with many organizations checks the same few patterns again and again, and to compile one takes long.
const std::regex& compiled(std::string_view pattern) {
  static auto* const of_thread = new per_thread<std::map<std::string, std::regex, std::less<>>>;
  auto& known = of_thread->get();
  const auto found = known.find(pattern);
  if (found != known.end()) return found->second;
  if (known.size() >= 256) known.clear();
  return known.emplace(pattern, std::regex(std::string(pattern), std::regex::ECMAScript)).first->second;
}

std::string join(const std::string& key, std::string_view name) {
  if (key.empty()) return std::string(name);
  return name.starts_with('[') ? key + std::string(name) : key + "." + std::string(name);
}

std::string shown(const json::value& value) {
  std::string text = json::serialize(value);
  if (text.size() <= longest_shown) return text;
  std::size_t end = longest_shown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::optional<double> number_at(const json::object& schema, std::string_view member) {
  const auto* value = schema.if_contains(member);
  return value && value->is_number() ? std::optional(value->to_number<double>()) : std::nullopt;
}

std::string number_text(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e15) return std::to_string(static_cast<std::int64_t>(number));
  return json::serialize(json::value(number));
}

std::string example_of(const json::object& schema) {
  const auto format = format_of(schema);
  if (format == "duration") return "Write an integer and ms, s, m, h or d in quotes, such as \"30s\".";
  if (format == "size") return "Write an integer and KiB, MiB or GiB in quotes, such as \"8MiB\".";
  if (format == "secret") return std::string(secret_remedy);
  const auto type = text_at(schema, "type");
  if (type == "string") return "Write a text in quotes.";
  if (type == "integer") return "Write a whole number without quotes.";
  if (type == "number") return "Write a number without quotes.";
  if (type == "boolean") return "Write true or false without quotes.";
  if (type == "array") return "Write a list in brackets, such as [\"a\", \"b\"].";
  return "Write a table.";
}

std::string article_for(std::string_view type) {
  return (type == "integer" || type == "array" || type == "object" ? "an " : "a ") +
         std::string(type == "object" ? "table" : type);
}

// Walks one value and its schema together.
class checker {
 public:
  checker(const setting_site& site, faults& errors) : site_(site), errors_(errors) {}

  void table_leaves(const setting_node& table, const json::object& schema, const std::string& key, unknown_keys unknown,
                    std::vector<checked_leaf>& leaves) {
    const auto* members = table.as_table();
    if (!members) return wrong_type(table, schema, key);
    const json::object* properties = object_at(schema, "properties");
    for (const auto& member : *members) {
      const json::object* property = properties ? object_at(*properties, member.name) : nullptr;
      const std::string member_key = join(key, member.name);
      if (!property) {
        if (unknown == unknown_keys::refuse)
          unknown_key(member, properties, member_key);
        else
          leaves.push_back({member_key, nullptr, "not checked", member.value.line, member.value.column});
      } else if (is_table_schema(*property)) {
        table_leaves(member.value, *property, member_key, unknown_keys::refuse, leaves);
      } else if (auto value = check(member.value, *property, member_key)) {
        leaves.push_back(
            {member_key, std::move(*value), to_json_value(member.value), member.value.line, member.value.column});
      }
    }
  }

  std::optional<json::value> check(const setting_node& node, const json::object& schema, const std::string& key) {
    const auto type = text_at(schema, "type");
    std::optional<json::value> value;
    if (type == "string") {
      value = check_string(node, schema, key);
    } else if (type == "integer" || type == "number") {
      value = check_number(node, schema, key, type == "integer");
    } else if (type == "boolean") {
      if (const auto* flag = std::get_if<bool>(&node.value))
        value = *flag;
      else
        wrong_type(node, schema, key);
    } else if (type == "array") {
      value = check_array(node, schema, key);
    } else if (type == "object") {
      value = check_object(node, schema, key);
    } else {
      value = to_json_value(node);
    }
    if (value && !in_enum(node, schema, key)) return std::nullopt;
    return value;
  }

 private:
  void add(int line, int column, const std::string& key, std::string what, std::string remedy) {
    errors_.push_back({"SETTINGS_INVALID",
                       std::move(what),
                       std::move(remedy),
                       {site_.file, line, column, key.empty() ? site_.key : join(site_.key, key)}});
  }
  void add(const setting_node& node, const std::string& key, std::string what, std::string remedy) {
    add(node.line, node.column, key, std::move(what), std::move(remedy));
  }

  void unknown_key(const setting_member& member, const json::object* properties, const std::string& key) {
    const auto known = properties ? names_of(*properties) : std::vector<std::string>();
    add(member.line, member.column, key, "There is no setting of this name.", remedy_for_unknown(member.name, known));
  }

  void wrong_type(const setting_node& node, const json::object& schema, const std::string& key) {
    const auto* accepted = schema.if_contains("enum");
    add(node, key,
        "It must be " + article_for(text_at(schema, "type")) + ", and this is " + std::string(kind_of(node)) + ".",
        accepted && accepted->is_array() ? accepted_values(accepted->get_array()) : example_of(schema));
  }

  static std::string accepted_values(const json::array& values) {
    std::string text = "Accepted: ";
    for (std::size_t at = 0; at < values.size(); ++at) {
      if (at > 0) text += at + 1 == values.size() ? " or " : ", ";
      text += json::serialize(values[at]);
    }
    return text + ".";
  }

  bool in_enum(const setting_node& node, const json::object& schema, const std::string& key) {
    const auto* accepted = schema.if_contains("enum");
    if (!accepted || !accepted->is_array()) return true;
    const json::value written = to_json_value(node);
    const auto& values = accepted->get_array();
    if (std::find(values.begin(), values.end(), written) != values.end()) return true;
    std::string remedy;
    if (written.is_string()) {
      std::vector<std::string> texts;
      for (const auto& value : values) {
        if (value.is_string()) texts.emplace_back(value.get_string());
      }
      const std::string near = nearest(written.get_string(), texts);
      if (!near.empty()) remedy = "Did you mean \"" + near + "\"? ";
    }
    add(node, key, shown(written) + " is not accepted here.", remedy + accepted_values(values));
    return false;
  }

  std::optional<json::value> check_string(const setting_node& node, const json::object& schema,
                                          const std::string& key) {
    const auto* text = node.as_string();
    if (!text) {
      wrong_type(node, schema, key);
      return std::nullopt;
    }
    const auto format = format_of(schema);
    if (format == "secret") return check_secret(node, *text, key);
    if (!check_length(node, *text, schema, key) || !check_pattern(node, *text, schema, key)) return std::nullopt;
    if (format == "duration") {
      const auto duration = parse_duration(*text);
      if (!duration) {
        add(node, key, shown(json::value(*text)) + " is not a duration.", example_of(schema));
        return std::nullopt;
      }
      return json::value(static_cast<std::int64_t>(duration->count()));
    }
    if (format == "size") {
      const auto size = parse_size(*text);
      if (!size) {
        add(node, key, shown(json::value(*text)) + " is not a size.", example_of(schema));
        return std::nullopt;
      }
      return json::value(*size);
    }
    if (format == "path") return check_path(node, *text, key);
    return json::value(*text);
  }

  std::optional<json::value> check_path(const setting_node& node, const std::string& text, const std::string& key) {
    if (text.find('\0') != std::string::npos) {
      add(node, key, "A path cannot contain the character NUL.", "Leave it out.");
      return std::nullopt;
    }
    if (text.empty()) return json::value("");
    return json::value((site_.folder / text).lexically_normal().string());
  }

  // The value is never shown: it may be a password.
  std::optional<json::value> check_secret(const setting_node& node, const std::string& text, const std::string& key) {
    if (text.empty()) return json::value(nullptr);
    const auto reference = parse_secret_reference(text, site_.folder);
    if (!reference) {
      add(node, key, reference.error().what, reference.error().remedy);
      return std::nullopt;
    }
    return json::value(reference->canonical());
  }

  bool check_length(const setting_node& node, const std::string& text, const json::object& schema,
                    const std::string& key) {
    const auto length = static_cast<double>(code_points(text));
    const auto least = number_at(schema, "minLength");
    const auto most = number_at(schema, "maxLength");
    if (least && length < *least) {
      add(node, key,
          text.empty() ? "It must not be empty." : "It is shorter than " + number_text(*least) + " characters.",
          "Write at least " + number_text(*least) + (*least == 1 ? " character." : " characters."));
      return false;
    }
    if (most && length > *most) {
      add(node, key, "It is longer than " + number_text(*most) + " characters.",
          "Write at most " + number_text(*most) + " characters.");
      return false;
    }
    return true;
  }

  bool check_pattern(const setting_node& node, const std::string& text, const json::object& schema,
                     const std::string& key) {
    const auto pattern = text_at(schema, "pattern");
    if (pattern.empty()) return true;
    bool matches = false;
    if (text.size() <= longest_pattern_text) {
      try {
        matches = std::regex_match(text, compiled(pattern));
      } catch (const std::regex_error&) {
        add(node, key, "The schema's pattern \"" + std::string(pattern) + "\" is not a regular expression.",
            "This is a defect of the plugin: report it to its author.");
        return false;
      }
    }
    if (!matches) {
      add(node, key, shown(json::value(text)) + " does not have the form that is wanted here.",
          "It must match " + std::string(pattern) + ".");
    }
    return matches;
  }

  std::optional<json::value> check_number(const setting_node& node, const json::object& schema, const std::string& key,
                                          bool whole) {
    const auto* integer = std::get_if<std::int64_t>(&node.value);
    const auto* real = std::get_if<double>(&node.value);
    if (!integer && (whole || !real)) {
      wrong_type(node, schema, key);
      return std::nullopt;
    }
    const double number = integer ? static_cast<double>(*integer) : *real;
    const auto least = number_at(schema, "minimum");
    const auto most = number_at(schema, "maximum");
    if (!std::isfinite(number) || (least && number < *least) || (most && number > *most)) {
      std::string range = "Write a number";
      if (least) range += " from " + number_text(*least);
      if (most) range += least ? " to " + number_text(*most) : " up to " + number_text(*most);
      if (least && !most) range += " on";
      add(node, key, (std::isfinite(number) ? number_text(number) : "This") + " is out of range.", range + ".");
      return std::nullopt;
    }
    return integer ? json::value(*integer) : json::value(*real);
  }

  std::optional<json::value> check_array(const setting_node& node, const json::object& schema, const std::string& key) {
    const auto* items = node.as_array();
    if (!items) {
      wrong_type(node, schema, key);
      return std::nullopt;
    }
    const json::object* item_schema = object_at(schema, "items");
    json::array result;
    bool good = true;
    for (std::size_t at = 0; at < items->size(); ++at) {
      if (!item_schema) {
        result.push_back(to_json_value((*items)[at]));
      } else if (auto value = check((*items)[at], *item_schema, key + "[" + std::to_string(at) + "]")) {
        result.push_back(std::move(*value));
      } else {
        good = false;
      }
    }
    return good ? std::optional<json::value>(std::move(result)) : std::nullopt;
  }

  std::optional<json::value> check_object(const setting_node& node, const json::object& schema,
                                          const std::string& key) {
    const auto* members = node.as_table();
    if (!members) {
      wrong_type(node, schema, key);
      return std::nullopt;
    }
    static const json::object none;
    const json::object* properties = object_at(schema, "properties");
    if (!properties) properties = &none;
    json::object result;
    bool good = true;
    for (const auto& member : *members) {
      const json::object* property = object_at(*properties, member.name);
      if (!property) {
        unknown_key(member, properties, join(key, member.name));
        good = false;
      } else if (auto value = check(member.value, *property, join(key, member.name))) {
        result[member.name] = std::move(*value);
      } else {
        good = false;
      }
    }
    for (const auto& property : *properties) {
      const auto* property_schema = property.value().if_object();
      if (!property_schema || node.find(property.key())) continue;
      good =
          fill_in(node, *property_schema, requires_member(schema, property.key()), property.key(), key, result) && good;
    }
    return good ? std::optional<json::value>(std::move(result)) : std::nullopt;
  }

  // A member that is not written: its default, or a fault if there must be one.
  bool fill_in(const setting_node& table, const json::object& schema, bool required, std::string_view name,
               const std::string& key, json::object& result) {
    if (required) {
      add(table, join(key, name), "It is missing.", example_of(schema));
      return false;
    }
    std::optional<setting_node> filler;
    if (const auto* standard = schema.if_contains("default"))
      filler = to_setting_node(*standard);
    else if (is_table_schema(schema))
      filler = setting_node{setting_node::table(), table.line, table.column};
    if (!filler) return true;
    auto value = check(*filler, schema, join(key, name));
    if (!value) return false;
    result[name] = std::move(*value);
    return true;
  }

  const setting_site& site_;
  faults& errors_;
};

void collect_leaves(const json::object& schema, const std::string& prefix, std::vector<schema_leaf>& leaves) {
  const json::object* properties = object_at(schema, "properties");
  if (!properties) return;
  for (const auto& property : *properties) {
    const auto* property_schema = property.value().if_object();
    if (!property_schema) continue;
    const std::string key = join(prefix, property.key());
    if (is_table_schema(*property_schema))
      collect_leaves(*property_schema, key, leaves);
    else
      leaves.push_back({key, property_schema, requires_member(schema, property.key())});
  }
}

}  // namespace

std::vector<checked_leaf> check_table(const setting_node& table, const json::object& schema, const setting_site& site,
                                      unknown_keys unknown, faults& errors) {
  std::vector<checked_leaf> leaves;
  checker(site, errors).table_leaves(table, schema, "", unknown, leaves);
  return leaves;
}

std::optional<json::value> check_value(const setting_node& value, const json::object& schema, const setting_site& site,
                                       faults& errors) {
  return checker(site, errors).check(value, schema, "");
}

std::vector<schema_leaf> leaves_of(const json::object& schema) {
  std::vector<schema_leaf> leaves;
  collect_leaves(schema, "", leaves);
  return leaves;
}

json::value replace_secrets(json::value value, const json::object& schema,
                            const std::function<json::value(const std::string&)>& replace) {
  if (value.is_string() && format_of(schema) == "secret") return replace(std::string(value.get_string()));
  if (auto* items = value.if_array()) {
    const auto* item_schema = object_at(schema, "items");
    for (auto& item : *items) {
      if (item_schema) item = replace_secrets(std::move(item), *item_schema, replace);
    }
  } else if (auto* members = value.if_object()) {
    const auto* properties = object_at(schema, "properties");
    for (auto& member : *members) {
      const auto* property = properties ? object_at(*properties, member.key()) : nullptr;
      if (property) member.value() = replace_secrets(std::move(member.value()), *property, replace);
    }
  }
  return value;
}

std::string_view format_of(const json::object& schema) { return text_at(schema, "format"); }

void set_at(json::object& object, std::string_view key, json::value value) {
  const auto dot = key.find('.');
  if (dot == std::string_view::npos) {
    object[key] = std::move(value);
    return;
  }
  auto& inner = object[key.substr(0, dot)];
  if (!inner.is_object()) inner = json::object();
  set_at(inner.get_object(), key.substr(dot + 1), std::move(value));
}

}  // namespace tocsin
