// Reads one license from JSON, strictly in what it needs and blind to what it does not know.
#include "plugins/sources/license_status/license_file.hpp"

#include "plugins/sources/license_status/rfc3339.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace tocsin::license_status {
namespace {

namespace json = boost::json;

// Thrown and caught in this file alone.
struct problem {
  std::string text;
};

[[noreturn]] void refuse(std::string text) { throw problem{std::move(text)}; }

std::string name_of(const json::object& from, std::string_view member, bool required) {
  const json::value* value = from.if_contains(member);
  const std::string shown = "\"" + std::string(member) + "\"";
  if (value == nullptr || value->is_null()) {
    if (required) refuse(shown + " is missing");
    return {};
  }
  const json::string* text = value->if_string();
  if (text == nullptr) refuse(shown + " is not a string");
  if (text->empty() && required) refuse(shown + " is empty");
  if (text->size() > longest_name_bytes) {
    refuse(shown + " is longer than " + std::to_string(longest_name_bytes) + " bytes");
  }
  for (const char at : *text) {
    if (static_cast<unsigned char>(at) < 0x20 || at == 0x7f) refuse(shown + " has a control character in it");
  }
  return std::string(*text);
}

std::optional<std::int64_t> count_of(const json::object& from, std::string_view member) {
  const json::value* value = from.if_contains(member);
  if (value == nullptr || value->is_null()) return std::nullopt;
  // Boost.JSON reads a whole number as int64 wherever it fits.
  const std::int64_t* count = value->if_int64();
  if (count == nullptr || *count < 0) {
    refuse("\"" + std::string(member) + "\" is not a whole number from 0 to 9223372036854775807");
  }
  return *count;
}

std::int64_t expiry_of(const json::object& from) {
  const json::value* value = from.if_contains("expires");
  if (value == nullptr || value->is_null()) refuse("\"expires\" is missing");
  const json::string* text = value->if_string();
  const std::optional<std::int64_t> time = text == nullptr ? std::nullopt : parse_time(*text);
  if (!time) {
    refuse("\"expires\" is not a time as RFC 3339 has it; write it like \"2027-01-31T12:00:00Z\"");
  }
  return *time;
}

license read(std::string_view bytes) {
  if (bytes.size() > largest_file_bytes) refuse("the file is larger than 1 MiB");
  // Some editors begin a file with a byte order mark.
  if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);
  if (bytes.empty()) refuse("the file is empty");
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 32;
  const json::value whole = json::parse(bytes, error, {}, options);
  if (error) refuse("the file is not JSON (" + error.message() + ")");
  const json::object* object = whole.if_object();
  if (object == nullptr) refuse("the file is JSON, but no object");
  license made;
  made.product = name_of(*object, "product", true);
  made.holder = name_of(*object, "holder", true);
  made.organization = name_of(*object, "organization", false);
  made.expires_ms = expiry_of(*object);
  made.seats = count_of(*object, "seats");
  made.used = count_of(*object, "used");
  return made;
}

}  // namespace

boost::system::result<license, std::string> parse_license(std::string_view bytes) {
  try {
    return read(bytes);
  } catch (problem& found) {
    return {boost::system::in_place_error, std::move(found.text)};
  }
}

}  // namespace tocsin::license_status
