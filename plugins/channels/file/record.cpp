// A notification as a line of JSON.
#include "plugins/channels/file/record.hpp"

#include "plugins/channels/file/text.hpp"

#include <tocsin/sdk/json.hpp>

#include <algorithm>

namespace tocsin::file {
namespace {

// An object, of which attributes that are not there are left out.
class members {
 public:
  members& text(std::string_view key, std::string_view value) {
    if (!value.empty()) out_.text(key, clean_utf8(value));
    return *this;
  }
  members& time(std::string_view key, std::int64_t unix_ms) {
    if (unix_ms != TOCSIN_NO_TIME) out_.text(key, iso_time(unix_ms));
    return *this;
  }
  members& json(std::string_view key, std::string_view value) {
    out_.raw(key, value);
    return *this;
  }
  std::string str() const { return out_.str(); }

 private:
  sdk::json_writer out_;
};

bool is_json_type(std::string_view type) {
  const std::string_view plain = type.substr(0, type.find(';'));
  constexpr std::string_view suffix = "+json";
  return plain.empty() || plain == "application/json" ||
         (plain.size() > suffix.size() && plain.substr(plain.size() - suffix.size()) == suffix);
}

// The event's data on one line: JSON as it is, all else as a JSON string.
std::string data_of(const sdk::event& event) {
  std::string clean = clean_utf8(event.data);
  if (!is_json_type(event.data_content_type)) return sdk::json_text(clean);
  // Within a JSON text line ends stand between its parts only.
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return clean;
}

std::string event_of(const sdk::event& event) {
  members out;
  out.text("source", event.source).text("id", event.id).text("type", event.type).text("subject", event.subject);
  out.time("time", event.time_ms).text("severity", event.severity).text("recipient", event.recipient);
  out.text("component", event.component).text("folder", event.folder).text("dedupkey", event.dedupkey);
  if (!event.data.empty()) {
    out.text("datacontenttype", event.data_content_type).json("data", data_of(event));
  }
  return out.str();
}

}  // namespace

std::string compose_record(const sdk::message& message) {
  members out;
  out.json("message_id", sdk::json_text(clean_utf8(message.message_id()))).time("at", message.created_ms());
  out.json("recipient", sdk::json_text(clean_utf8(message.recipient())));
  out.text("organization", message.organization()).text("language", message.language());
  out.json("subject", sdk::json_text(clean_utf8(message.subject())));
  out.json("text", sdk::json_text(clean_utf8(message.text())));
  if (const auto event = message.event()) out.json("event", event_of(*event));
  return out.str() + "\n";
}

}  // namespace tocsin::file
