// SPDX-License-Identifier: Apache-2.0
// Events as values: to be filled in by a source, or to be read by a channel.
#pragma once

#include <tocsin/abi/event.h>
#include <tocsin/sdk/string.hpp>

#include <cstdint>
#include <string_view>

namespace tocsin::sdk {

// What a source publishes. Views only: all that they view must live until publish() returns. Attributes left empty are
// absent.
struct event {
  std::string_view id;      // required; (organization, source, id) is the identity that duplicates are found by
  std::string_view source;  // required; a URI reference, "/license/main"
  std::string_view type;    // required; "org.example.thing.happened"
  std::string_view subject;
  std::int64_t time_ms = TOCSIN_NO_TIME;
  std::string_view data_content_type;  // empty: application/json
  std::string_view data;               // one JSON value (json.hpp helps to write it)
  std::string_view organization;
  std::string_view severity;  // info, success, warn, error or fatal; empty: info
  std::string_view recipient;
  std::string_view language;
  std::string_view dedupkey;
  std::string_view component;
  std::string_view folder;
  std::int64_t expires_ms = TOCSIN_NO_TIME;
  std::string_view traceparent;
  const tocsin_field* attributes = nullptr;
  std::uint64_t attribute_count = 0;
};

inline tocsin_event to_abi(const event& from) noexcept {
  tocsin_event to{};
  to.struct_size = sizeof(tocsin_event);
  to.id = to_abi(from.id);
  to.source = to_abi(from.source);
  to.type = to_abi(from.type);
  to.subject = to_abi(from.subject);
  to.time_ms = from.time_ms;
  to.data_content_type = to_abi(from.data_content_type);
  to.data = to_bytes(from.data);
  to.organization = to_abi(from.organization);
  to.severity = to_abi(from.severity);
  to.recipient = to_abi(from.recipient);
  to.language = to_abi(from.language);
  to.dedupkey = to_abi(from.dedupkey);
  to.component = to_abi(from.component);
  to.folder = to_abi(from.folder);
  to.expires_ms = from.expires_ms;
  to.traceparent = to_abi(from.traceparent);
  to.attributes = from.attributes;
  to.attribute_count = from.attribute_count;
  return to;
}

// An event that the host lends for a call.
inline event from_abi(const tocsin_event& from) noexcept {
  event to;
  to.id = view(from.id);
  to.source = view(from.source);
  to.type = view(from.type);
  to.subject = view(from.subject);
  to.time_ms = from.time_ms;
  to.data_content_type = view(from.data_content_type);
  to.data = view(from.data);
  to.organization = view(from.organization);
  to.severity = view(from.severity);
  to.recipient = view(from.recipient);
  to.language = view(from.language);
  to.dedupkey = view(from.dedupkey);
  to.component = view(from.component);
  to.folder = view(from.folder);
  to.expires_ms = from.expires_ms;
  to.traceparent = view(from.traceparent);
  to.attributes = from.attributes;
  to.attribute_count = from.attribute_count;
  return to;
}

}  // namespace tocsin::sdk
