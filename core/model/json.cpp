#include "core/model/json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <string>

namespace tocsin {
namespace {

namespace json = boost::json;
using boost::system::error_code;

// Builds the value and counts the members that the text has: Boost.JSON silently keeps one of several members with the
// same name, and then the value has fewer.
struct counting_handler {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  json::value_stack stack;
  std::size_t members = 0;

  bool on_document_begin(error_code&) {
    stack.reset();
    return true;
  }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_object_end(std::size_t count, error_code&) {
    members += count;
    stack.push_object(count);
    return true;
  }
  bool on_array_begin(error_code&) { return true; }
  bool on_array_end(std::size_t count, error_code&) {
    stack.push_array(count);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    stack.push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) {
    stack.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, error_code&) {
    stack.push_string(part);
    return true;
  }
  bool on_number_part(json::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, error_code&) {
    stack.push_int64(number);
    return true;
  }
  bool on_uint64(std::uint64_t number, json::string_view, error_code&) {
    stack.push_uint64(number);
    return true;
  }
  bool on_double(double number, json::string_view, error_code&) {
    stack.push_double(number);
    return true;
  }
  bool on_bool(bool value, error_code&) {
    stack.push_bool(value);
    return true;
  }
  bool on_null(error_code&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }
};

std::size_t count_members(const json::value& value) {
  std::size_t count = 0;
  if (const auto* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object) count += count_members(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) count += count_members(element);
  }
  return count;
}

fault json_fault(std::string_view text, std::size_t offset, std::string what) {
  place where;
  where.line = 1;
  where.column = 1;
  for (const char c : text.substr(0, offset)) {
    where.column = c == '\n' ? 1 : where.column + 1;
    where.line += c == '\n';
  }
  what += " at line " + std::to_string(where.line) + ", column " + std::to_string(where.column) + ".";
  return {"JSON_INVALID", std::move(what), "", where};
}

bool is_white_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Where the string ends that begins at `at`, past its quote.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\';
  return std::min(at + 1, text.size());
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_white_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_white_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::vector<json_part> json_parts(std::string_view text) {
  std::vector<json_part> parts;
  json_part part;
  std::size_t depth = 0;
  std::size_t start = 0;
  const auto finish = [&](std::size_t end) {
    part.value = trimmed(text.substr(start, end - start));
    if (!part.value.empty()) parts.push_back(part);
    part = {};
  };
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      continue;
    }
    if ((c == '{' || c == '[') && depth++ == 0) start = at + 1;
    if ((c == '}' || c == ']') && --depth == 0) finish(at);
    if (depth == 1 && c == ':') part.name = trimmed(text.substr(start, at - start));
    if (depth == 1 && c == ',') finish(at);
    if (depth == 1 && (c == ':' || c == ',')) start = at + 1;
    ++at;
  }
  return parts;
}

std::string compact_json(std::string_view text) {
  std::string compact;
  compact.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (is_white_space(text[at])) {
      ++at;
      continue;
    }
    const std::size_t end = text[at] == '"' ? end_of_string(text, at) : at + 1;
    compact.append(text.substr(at, end - at));
    at = end;
  }
  return compact;
}

result<json::value> parse_json(std::string_view text, std::size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::basic_parser<counting_handler> parser(options);
  error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (error == json::error::too_deep)
    return json_fault(text, used, "It is nested deeper than " + std::to_string(max_depth) + " levels");
  if (error == json::error::incomplete) return json_fault(text, text.size(), "The JSON text is cut off");
  if (error) return json_fault(text, used, "It is not JSON (" + error.message() + ")");
  json::value value = parser.handler().stack.release();
  if (count_members(value) != parser.handler().members)
    return fault{"JSON_INVALID", "An object has two members with the same name.", "Give each member once.", {}};
  return value;
}

std::string text_of(const boost::json::object& of, std::string_view name) {
  const boost::json::value* value = of.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace tocsin
