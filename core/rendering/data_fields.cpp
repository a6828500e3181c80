// Makes fields of an event's data, whatever it is.
#include "core/rendering/data_fields.hpp"

#include "core/model/json.hpp"
#include "core/rendering/clean_text.hpp"

#include <boost/json.hpp>

#include <array>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_name = 100;  // characters

// The beginning of a value's JSON: no more of it is made than is shown.
std::string beginning_of_json(const json::value& value) {
  json::serializer serializer;
  serializer.reset(&value);
  std::string text;
  std::array<char, 512> buffer{};
  while (!serializer.done() && text.size() <= longest_value) text += serializer.read(buffer.data(), buffer.size());
  return text;
}

std::string shown(const json::value& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return clean_text(value.get_string(), longest_value);
  return clean_text(beginning_of_json(value), longest_value);
}

bool is_json(const event& value) {
  const auto& type = value.data_content_type;
  return type.empty() || type.find("json") != std::string::npos;
}

}  // namespace

event_data read_event_data(const event& value) {
  event_data data;
  if (value.data.empty()) return data;
  if (!is_json(value)) {
    data.text = clean_text(value.data, longest_text);
    return data;
  }
  auto parsed = parse_json(value.data);
  if (!parsed) {
    data.text = clean_text(value.data, longest_text);
  } else if (!parsed->is_object()) {
    data.text = shown(*parsed);
  } else {
    data.json = std::move(parsed->get_object());
    std::size_t bytes = 0;
    for (const auto& member : data.json) {
      if (data.fields.size() == most_fields || bytes > most_bytes) break;
      data.fields.push_back({one_line(member.key(), longest_name), shown(member.value())});
      bytes += data.fields.back().value.size();
    }
    data.not_shown = data.json.size() - data.fields.size();
  }
  return data;
}

}  // namespace tocsin
