// An event: a fact, as a CloudEvents 1.0 envelope with Tocsin's extension attributes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

enum class severity : std::uint8_t { info, success, warn, error, fatal };

std::string_view to_text(severity value);
std::optional<severity> parse_severity(std::string_view text);

// Unix time in milliseconds.
using time_ms = std::int64_t;

struct event {
  // Required by CloudEvents 1.0, section "Required attributes"; never empty in a valid event.
  std::string id;
  std::string source;
  std::string type;

  std::string subject;
  std::optional<time_ms> time;
  std::string data_content_type;  // empty: application/json
  std::string data;               // JSON text, or text of data_content_type; empty: none

  std::string organization;  // empty: the host's own event
  tocsin::severity severity = tocsin::severity::info;
  std::string recipient;
  std::string language;
  std::string dedupkey;
  std::string component;
  std::string folder;
  std::optional<time_ms> expires;
  std::string traceparent;

  std::map<std::string, std::string> attributes;  // any further extension attributes

  bool operator==(const event&) const = default;
};

}  // namespace tocsin
