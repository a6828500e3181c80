// A route: a rule that turns matching events into deliveries.
#pragma once

#include "core/model/event.hpp"
#include "core/model/fault.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tocsin {

struct route {
  std::string name;
  std::string organization;        // who owns it; empty: the host, whose routes match every organization's events
  std::vector<std::string> types;  // globs over the type: '*' is any text; empty: every type
  std::optional<severity> minimum_severity;
  std::vector<std::string> channels;  // in order, at least one
  std::vector<std::string> to;        // addresses, or "{{recipient}}": the event's own
  std::string template_name = "default";
  tocsin::place place;  // where it is written
};

}  // namespace tocsin
