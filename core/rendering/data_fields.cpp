// Makes fields of an event's data, whatever it is.
#include "core/rendering/data_fields.hpp"

#include "core/model/cloudevents.hpp"
#include "core/model/json.hpp"
#include "core/rendering/clean_text.hpp"

#include <boost/json.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_name = 100;  // characters

// The shortest digits that mean this number, without an exponent where a person would write none.
std::string text_of(double number) {
  const double size = std::abs(number);
  const bool plain = size == 0 || (size >= 1e-7 && size < 1e21);
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  return {text.data(), end.ptr};
}

// The beginning of a value's JSON: no more of it is made than is shown. As deep as parse_json() lets a value be.
void append_json(std::string& text, const json::value& value) {
  if (text.size() > longest_value) return;
  if (const auto* number = value.if_double()) {
    text += text_of(*number);
  } else if (const auto* string = value.if_string()) {
    text += json::serialize(json::string_view(*string).substr(0, longest_value + 1));
  } else if (const auto* array = value.if_array()) {
    text += '[';
    for (const auto& element : *array) {
      if (text.size() > longest_value) return;
      if (&element != array->begin()) text += ',';
      append_json(text, element);
    }
    text += ']';
  } else if (const auto* object = value.if_object()) {
    text += '{';
    for (const auto& member : *object) {
      if (text.size() > longest_value) return;
      if (&member != object->begin()) text += ',';
      text += json::serialize(member.key().substr(0, longest_value + 1)) + ':';
      append_json(text, member.value());
    }
    text += '}';
  } else {
    text += json::serialize(value);
  }
}

std::string shown(const json::value& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return clean_text(value.get_string(), longest_value);
  std::string text;
  append_json(text, value);
  return clean_text(text, longest_value);
}

}  // namespace

event_data read_event_data(const event& value) {
  event_data data;
  if (value.data.empty()) return data;
  if (!has_json_data(value)) {
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
