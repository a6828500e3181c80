#include "core/model/json.hpp"

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

}  // namespace

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

}  // namespace tocsin
