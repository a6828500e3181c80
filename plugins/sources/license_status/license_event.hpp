// A notice as an event.
#pragma once

#include "plugins/sources/license_status/license_policy.hpp"

#include <tocsin/sdk/event.hpp>

#include <string>
#include <string_view>

namespace tocsin::license_status {

// Owns the texts that the event views; not to be copied or moved while the event is in use.
struct license_event {
  std::string id;    // the same for the same notice, so that the host knows a repeated one as a duplicate
  std::string uri;   // "/license/NAME"
  std::string data;  // JSON
  std::string subject;
  std::string organization;
  std::string_view type;
  std::string_view severity;

  sdk::event view(std::int64_t now_ms) const;
};

license_event make_event(const notice& what, const license& file, std::string_view source_name);

}  // namespace tocsin::license_status
