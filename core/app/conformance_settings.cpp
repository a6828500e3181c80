// Makes settings that hold a schema without knowing what they mean.
#include "core/app/conformance_settings.hpp"

#include "core/app/console.hpp"
#include "core/settings/schema.hpp"

#include <boost/json.hpp>

#include <stdexcept>
#include <utility>
#include <vector>

namespace tocsin::app {
namespace {

namespace json = boost::json;

// Stands for the kit's "{tmp}" as long as paths must be absolute.
constexpr std::string_view folder_mark = "/tocsin-conformance-folder";

bool has(std::string_view key, std::string_view part) { return key.find(part) != std::string_view::npos; }

// Values to try for a required key, the likeliest first.
std::vector<json::value> candidates(const schema_leaf& leaf) {
  const auto& schema = *leaf.schema;
  if (const auto* allowed = schema.if_contains("enum"); allowed && allowed->is_array() && !allowed->get_array().empty())
    return {allowed->get_array().front()};
  const auto* type = schema.if_contains("type");
  const std::string kind = type && type->is_string() ? std::string(type->get_string()) : "string";
  if (kind == "integer" || kind == "number") {
    std::vector<json::value> numbers{1, 1000};
    if (const auto* least = schema.if_contains("minimum")) numbers.push_back(*least);
    if (const auto* most = schema.if_contains("maximum")) numbers.push_back(*most);
    return numbers;
  }
  if (kind == "boolean") return {false};
  if (kind == "object") return {json::object()};
  if (kind == "array") return {json::array(), json::array{"conformance"}, json::array{folder_mark}};
  const std::string_view format = format_of(schema);
  if (format == "path") return {json::string(std::string(folder_mark) + "/file")};
  if (format == "duration") return {"1s", "1h"};
  if (format == "size") return {"1MiB", "1KiB", "1GiB"};
  if (format == "secret") return {"env:TOCSIN_CONFORMANCE"};
  std::vector<json::value> texts;
  if (has(leaf.key, "host")) texts.emplace_back("127.0.0.1");
  if (has(leaf.key, "address") || has(leaf.key, "from") || has(leaf.key, "mail"))
    texts.emplace_back("conformance@example.org");
  if (has(leaf.key, "url")) texts.emplace_back("http://127.0.0.1:9/conformance");
  for (const char* text : {"conformance", "a", "127.0.0.1", "conformance@example.org", "http://127.0.0.1:9/", "1"})
    texts.emplace_back(text);
  texts.emplace_back(json::string(std::string(44, 'a')));
  return texts;
}

json::value value_for(const schema_leaf& leaf) {
  for (const auto& candidate : candidates(leaf)) {
    faults wrong;
    if (check_value(to_setting_node(candidate), *leaf.schema, {}, wrong)) return candidate;
  }
  throw std::runtime_error("the kit has no value for the required setting \"" + leaf.key +
                           "\"; give it with --settings");
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

json::object read_given(const std::string& given) {
  if (given.empty()) return {};
  std::string text = given;
  if (given.find('{') == std::string::npos) {
    const auto file = read_file(given);
    if (!file) throw std::runtime_error(file.error().to_string());
    text = *file;
  }
  replace_all(text, "{tmp}", folder_mark);
  boost::system::error_code wrong;
  auto value = json::parse(text, wrong);
  if (wrong || !value.is_object()) throw std::runtime_error("--settings is not a JSON object: " + wrong.message());
  return std::move(value.get_object());
}

void merge(json::object& into, const json::object& over) {
  for (const auto& member : over) {
    auto* there = into.if_contains(member.key());
    if (there && there->is_object() && member.value().is_object()) {
      merge(there->get_object(), member.value().get_object());
    } else {
      into[member.key()] = member.value();
    }
  }
}

}  // namespace

std::string conformance_settings(const json::object& schema, const std::string& given) {
  json::object written;
  const json::object over = read_given(given);
  std::vector<schema_leaf> leaves;
  if (!schema.empty()) leaves = leaves_of(schema);
  for (const auto& leaf : leaves) {
    if (const auto* fallback = leaf.schema->if_contains("default")) {
      set_at(written, leaf.key, *fallback);
      // A required key that was given needs no other value.
    } else if (leaf.required && !over.contains(leaf.key)) {
      set_at(written, leaf.key, value_for(leaf));
    }
  }
  merge(written, over);
  json::value effective = written;
  if (!schema.empty()) {
    faults wrong;
    auto checked = check_value(to_setting_node(written), schema, {}, wrong);
    if (!checked)
      throw std::runtime_error("the settings do not hold the manifest's schema: " + wrong.front().to_string());
    effective = replace_secrets(std::move(*checked), schema, [](const std::string&) -> json::value {
      return json::object{{"secret", 1}};
    });
  }
  for (const auto& leaf : leaves) {
    const json::value* there = effective.is_object() ? &effective : nullptr;
    if (there && !there->get_object().contains(leaf.key) && leaf.key.find('.') == std::string::npos)
      set_at(effective.get_object(), leaf.key, nullptr);
  }
  std::string text = json::serialize(effective);
  std::string mark = json::serialize(json::string(folder_mark));
  replace_all(text, std::string_view(mark).substr(1, mark.size() - 2), "{tmp}");
  return text;
}

}  // namespace tocsin::app
