// Why a route takes an event, or does not: for people. The router itself looks into its index.
#include "core/routing/route_trace.hpp"

#include "core/routing/router.hpp"

#include <algorithm>

namespace tocsin {
namespace {

bool takes_type(const route& rule, const std::string& type) {
  return rule.types.empty() || std::any_of(rule.types.begin(), rule.types.end(),
                                           [&](const std::string& pattern) { return matches_glob(pattern, type); });
}

bool severe_enough(const route& rule, const event& value) {
  return !rule.minimum_severity || value.severity >= *rule.minimum_severity;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

traced_route verdict_on(const route& rule, const event& value, bool recipient_known) {
  if (!takes_type(rule, value.type)) {
    return {&rule, route_verdict::type, "Its types are " + joined(rule.types) + "; the event is " + value.type + "."};
  }
  if (!severe_enough(rule, value)) {
    std::string why = "It takes ";
    why.append(to_text(*rule.minimum_severity)).append(" and above; the event is ");
    why.append(to_text(value.severity)).append(".");
    return {&rule, route_verdict::severity, std::move(why)};
  }
  const bool to_somebody =
      std::any_of(rule.to.begin(), rule.to.end(), [](const std::string& to) { return to != "{{recipient}}"; });
  if (to_somebody || !value.recipient.empty()) return {&rule, route_verdict::matched, "It matches."};
  if (!recipient_known) {
    return {&rule, route_verdict::recipient_unknown,
            "It sends to the event's own recipient, which was erased with the content."};
  }
  return {&rule, route_verdict::no_recipient, "It sends to the event's own recipient, and the event names none."};
}

}  // namespace

std::string_view to_text(route_verdict verdict) {
  switch (verdict) {
    case route_verdict::matched:
      return "matched";
    case route_verdict::type:
      return "type";
    case route_verdict::severity:
      return "severity";
    case route_verdict::no_recipient:
      return "no_recipient";
    default:
      return "recipient_unknown";
  }
}

route_trace trace_routes(std::span<const route> routes, const event& value, bool recipient_known) {
  route_trace out;
  for (const auto& rule : routes) {
    if (rule.organization.empty() || rule.organization == value.organization) {
      out.routes.push_back(verdict_on(rule, value, recipient_known));
    } else if (takes_type(rule, value.type) && severe_enough(rule, value)) {
      ++out.of_others;
    }
  }
  return out;
}

}  // namespace tocsin
