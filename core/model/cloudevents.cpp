// Reads, checks and writes events; what a publisher put into data is kept as it was written.
#include "core/model/cloudevents.hpp"

#include <boost/json.hpp>

#include "core/model/json.hpp"
#include "core/model/timestamp.hpp"
#include "core/model/utf8.hpp"

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_attribute = 64 * 1024;  // bytes; data is bounded by the request's body

fault invalid(std::string key, std::string what, std::string remedy = {}) {
  place where;
  where.key = std::move(key);
  return {"EVENT_INVALID", std::move(what), std::move(remedy), std::move(where)};
}

bool is_attribute_name(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
  return true;
}

// CloudEvents 1.0.2, "Type System", String: no control characters.
bool has_control_character(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  return false;
}

result<void> check_text(std::string_view name, std::string_view text) {
  if (text.size() > longest_attribute)
    return invalid(std::string(name), "The attribute is longer than 64 KiB.", "Put long text in data.");
  if (has_control_character(text)) return invalid(std::string(name), "The attribute has a control character in it.");
  if (!is_utf8(text)) return invalid(std::string(name), "The attribute is not UTF-8.", "Convert it before publishing.");
  return {};
}

result<void> check_data(const event& value) {
  if (value.data.empty()) return {};
  if (!has_json_data(value)) {
    if (is_utf8(value.data)) return {};
    return invalid("data", "It is not UTF-8.", "Convert it before publishing.");
  }
  if (const auto parsed = parse_json(value.data); !parsed) {
    return invalid("data", parsed.error().what, "Send JSON, or say in datacontenttype what it is, such as text/plain.");
  }
  return {};
}

result<void> check_attributes(const event& value);

// Reads one attribute after the other into an event. The first fault is kept.
class attribute_reader {
 public:
  // data: as it is written.
  attribute_reader(event& into, std::string_view data) : event_(into), data_(data) {}

  result<void> read(std::string_view name, const json::value& value) {
    if (name == "data") return read_data(value);
    if (name == "data_base64")
      return invalid("data_base64", "Binary data is not supported.", "Send JSON or text in data.");
    if (!is_attribute_name(name))
      return invalid(std::string(name),
                     "An attribute's name has lower-case letters a to z and digits only (CloudEvents 1.0).");
    if (value.is_null()) return {};  // JSON event format 1.0.2, 2.2: null is absent
    if (name == "specversion") {
      if (value != json::value("1.0")) return invalid("specversion", "Only CloudEvents \"1.0\" is supported.");
      has_version_ = true;
      return {};
    }
    return read_attribute(name, value);
  }

  result<void> finish() const {
    if (!has_version_) return invalid("specversion", "The attribute is missing.", "Add \"specversion\": \"1.0\".");
    return check_attributes(event_);
  }

 private:
  result<void> read_data(const json::value& value) {
    if (value.is_null()) return {};
    const bool is_text = value.is_string() && !has_json_data(event_);
    event_.data = is_text ? std::string(value.get_string()) : compact_json(data_);
    return {};
  }

  result<void> read_attribute(std::string_view name, const json::value& value) {
    std::string text;
    if (value.is_string()) {
      text = std::string(value.get_string());
    } else if (value.is_bool() || value.is_int64() || value.is_uint64()) {
      text = json::serialize(value);
    } else {
      return invalid(std::string(name), "An attribute is a string, an integer or a boolean (CloudEvents 1.0).");
    }
    if (auto fine = check_text(name, text); !fine) return fine;
    if (auto* member = text_member(name)) {
      *member = std::move(text);
    } else if (name == "time") {
      return read_time(name, text, event_.time);
    } else if (name == "expires") {
      return read_time(name, text, event_.expires);
    } else if (name == "severity") {
      const auto known = parse_severity(text);
      if (!known)
        return invalid("severity", "\"" + text + "\" is no severity.", "It is info, success, warn, error or fatal.");
      event_.severity = *known;
    } else {
      event_.attributes.emplace(name, std::move(text));
    }
    return {};
  }

  static result<void> read_time(std::string_view name, const std::string& text, std::optional<time_ms>& into) {
    into = parse_rfc3339(text);
    if (!into)
      return invalid(std::string(name), "\"" + text + "\" is no RFC 3339 time.", "Write it like 2026-11-21T08:00:00Z.");
    return {};
  }

  std::string* text_member(std::string_view name) {
    if (name == "id") return &event_.id;
    if (name == "source") return &event_.source;
    if (name == "type") return &event_.type;
    if (name == "subject") return &event_.subject;
    if (name == "datacontenttype") return &event_.data_content_type;
    if (name == "organization") return &event_.organization;
    if (name == "recipient") return &event_.recipient;
    if (name == "language") return &event_.language;
    if (name == "dedupkey") return &event_.dedupkey;
    if (name == "component") return &event_.component;
    if (name == "folder") return &event_.folder;
    if (name == "traceparent") return &event_.traceparent;
    return nullptr;
  }

  event& event_;
  const std::string_view data_;
  bool has_version_ = false;
};

// The member `data` of an event's text.
std::string_view find_data(std::string_view text) {
  for (const auto& part : json_parts(text)) {
    const bool escaped = part.name.find('\\') != std::string_view::npos;
    if (part.name == "\"data\"" || (escaped && json::parse(part.name) == json::value("data"))) return part.value;
  }
  return {};
}

// text: what value was read from.
result<event> read_event(const json::value& value, std::string_view text) {
  const auto* object = value.if_object();
  if (object == nullptr) return invalid("", "An event is a JSON object.");
  event parsed;
  attribute_reader reader(parsed, find_data(text));
  // How data is read depends on its content type, wherever that stands.
  if (const auto* type = object->if_contains("datacontenttype"); type != nullptr && type->is_string())
    parsed.data_content_type = std::string(type->get_string());
  for (const auto& member : *object)
    if (auto fine = reader.read(member.key(), member.value()); !fine) return fine.error();
  if (auto fine = reader.finish(); !fine) return fine.error();
  return parsed;
}

result<json::value> parse_event_json(std::string_view text) {
  auto value = parse_json(text);
  if (value) return value;
  fault why = value.error();
  why.code = "EVENT_INVALID";
  return why;
}

}  // namespace

result<event> parse_cloudevent(std::string_view text) {
  const auto value = parse_event_json(text);
  if (!value) return value.error();
  return read_event(*value, text);
}

result<std::vector<event>> parse_cloudevent_batch(std::string_view text) {
  const auto value = parse_event_json(text);
  if (!value) return value.error();
  const auto* array = value->if_array();
  if (array == nullptr) return invalid("", "A batch is a JSON array of events.");
  std::vector<event> events;
  events.reserve(array->size());
  const auto texts = json_parts(text);
  for (std::size_t at = 0; at < array->size(); ++at) {
    auto parsed = read_event((*array)[at], texts[at].value);
    if (!parsed) {
      fault why = parsed.error();
      why.what = "event " + std::to_string(events.size()) + ": " + why.what;
      return why;
    }
    events.push_back(std::move(*parsed));
  }
  return events;
}

namespace {

result<void> check_attributes(const event& value) {
  const std::pair<std::string_view, const std::string*> required[] = {
      {"id", &value.id}, {"source", &value.source}, {"type", &value.type}};
  for (const auto& [name, text] : required)
    if (text->empty()) return invalid(std::string(name), "The attribute is missing or empty.");
  const std::pair<std::string_view, const std::string*> texts[] = {{"id", &value.id},
                                                                   {"source", &value.source},
                                                                   {"type", &value.type},
                                                                   {"subject", &value.subject},
                                                                   {"datacontenttype", &value.data_content_type},
                                                                   {"organization", &value.organization},
                                                                   {"recipient", &value.recipient},
                                                                   {"language", &value.language},
                                                                   {"dedupkey", &value.dedupkey},
                                                                   {"component", &value.component},
                                                                   {"folder", &value.folder},
                                                                   {"traceparent", &value.traceparent}};
  for (const auto& [name, text] : texts)
    if (auto fine = check_text(name, *text); !fine) return fine;
  for (const auto& [name, text] : value.attributes) {
    if (!is_attribute_name(name))
      return invalid(name, "An attribute's name has lower-case letters a to z and digits only (CloudEvents 1.0).");
    if (auto fine = check_text(name, text); !fine) return fine;
  }
  return {};
}

}  // namespace

result<void> validate(const event& value) {
  if (auto fine = check_attributes(value); !fine) return fine;
  return check_data(value);
}

bool has_json_data(const event& value) {
  const auto& type = value.data_content_type;
  return type.empty() || type.find("json") != std::string::npos;
}

std::string to_json(const event& value) {
  json::object object;
  const auto add = [&object](std::string_view name, std::string_view text) {
    if (!text.empty()) object.emplace(name, text);
  };
  object.emplace("specversion", "1.0");
  add("id", value.id);
  add("source", value.source);
  add("type", value.type);
  add("subject", value.subject);
  if (value.time) object.emplace("time", to_rfc3339(*value.time));
  add("datacontenttype", value.data_content_type);
  add("organization", value.organization);
  if (value.severity != severity::info) add("severity", to_text(value.severity));
  add("recipient", value.recipient);
  add("language", value.language);
  add("dedupkey", value.dedupkey);
  add("component", value.component);
  add("folder", value.folder);
  if (value.expires) object.emplace("expires", to_rfc3339(*value.expires));
  add("traceparent", value.traceparent);
  for (const auto& [name, text] : value.attributes) object.emplace(name, text);
  std::string text = json::serialize(object);
  if (value.data.empty()) return text;
  const bool is_json = has_json_data(value) && parse_json(value.data);
  text.back() = ',';
  text += "\"data\":";
  text += is_json ? compact_json(value.data) : json::serialize(value.data);
  text += '}';
  return text;
}

}  // namespace tocsin
