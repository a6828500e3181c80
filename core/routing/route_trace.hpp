// Why a route takes an event, or does not: for people. The router itself looks into its index.
#pragma once

#include "core/model/event.hpp"
#include "core/model/route.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tocsin {

enum class route_verdict : std::uint8_t { matched, type, severity, no_recipient, recipient_unknown };

std::string_view to_text(route_verdict verdict);

struct traced_route {
  const route* rule = nullptr;  // into what was given
  route_verdict verdict = route_verdict::matched;
  std::string why;  // one sentence
};

struct route_trace {
  std::vector<traced_route> routes;  // the host's and those of the event's organization, in their order
  std::size_t of_others = 0;         // that would take it, but see another organization's events only
};

// recipient_known: false where the event's own recipient was erased.
route_trace trace_routes(std::span<const route> routes, const event& value, bool recipient_known);

}  // namespace tocsin
