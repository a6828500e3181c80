// The list of the host's own metrics: each with its kind, its labels and one sentence.
#include "core/app/metric_table.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tocsin::app {
namespace {

struct entry {
  std::string_view name;
  metric_kind kind;
  std::string_view labels;  // separated by spaces
  std::string_view help;
};

using enum metric_kind;

// tools/make-metrics-page reads this: one entry after the other, strings of one piece.
constexpr entry table[] = {
    {"tocsin_build_info", gauge, "version", "The host's version, as a label; the value is always 1."},
    {"tocsin_start_time_seconds", gauge, "", "When the host started, in seconds of Unix time."},
    {"tocsin_events_accepted_total", counter, "", "Events that were written down."},
    {"tocsin_events_duplicates_total", counter, "",
     "Events whose (organization, source, id) was known already; nothing is sent again."},
    {"tocsin_events_routed_total", counter, "", "Accepted events that at least one route matched."},
    {"tocsin_events_unrouted_total", counter, "", "Accepted events that no route matched: nobody is told of them."},
    {"tocsin_events_refused_total", counter, "",
     "Events that were valid and not taken: there was no room, the host was stopping, or the store failed."},
    {"tocsin_subscriber_events_lost_total", counter, "subscriber",
     "Events that a subscriber asked for and did not get: it was too slow, threw, hangs, or was closed before them."},
    {"tocsin_deliveries", gauge, "state",
     "Deliveries in the store, as GET /v1/queue counts them; left out while the store does not answer."},
    {"tocsin_deliveries_in_flight", gauge, "", "Deliveries that this host has taken up and not settled."},
    {"tocsin_deliveries_ended_total", counter, "channel state code",
     "Deliveries that came to their end, by final state and last code."},
    {"tocsin_delivery_attempts_total", counter, "channel code",
     "Attempts that have ended, by outcome code; a code that no manifest explains counts as UNKNOWN."},
    {"tocsin_delivery_attempt_seconds", histogram, "channel",
     "How long attempts took, from the hand-over to the channel to its outcome."},
    {"tocsin_delivery_latency_seconds", histogram, "channel",
     "From the acceptance of an event to the end of a delivery that got through."},
    {"tocsin_deliveries_taken_back_total", counter, "plugin call",
     "Deliveries that a plugin did not complete within delivery_limit after this call, so that they were taken back."},
    {"tocsin_endpoints_paused", gauge, "", "Endpoints that are paused, of the host and of organizations."},
    {"tocsin_store_commits_total", counter, "", "Transactions that the store has committed."},
    {"tocsin_store_commit_calls", histogram, "", "How many calls shared a transaction."},
    {"tocsin_store_commit_seconds", histogram, "", "How long commits took, the wait for the disk included."},
    {"tocsin_http_requests_total", counter, "route status",
     "Requests to the API that were answered, by route and status; what is no request at all is not counted."},
    {"tocsin_plugin_active", gauge, "plugin",
     "1: the plugin runs; 0: it was refused, failed, is quarantined or hangs."},
    {"tocsin_plugin_health", gauge, "plugin",
     "What a running plugin says of itself: 0 good, 1 degraded, 2 failing; only those that say something."},
};

const entry& find(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(table), std::end(table), [&](const entry& one) { return one.name == name; });
  if (found == std::end(table)) throw std::logic_error("a metric that is not in the list: " + std::string(name));
  return *found;
}

}  // namespace

metric_definition listed_metric(std::string_view name, std::int64_t divisor, std::vector<std::int64_t> bounds) {
  const entry& listed = find(name);
  return {std::string(listed.name), std::string(listed.help), listed.kind, divisor, std::move(bounds)};
}

std::vector<std::string> labels_of(std::string_view name) {
  std::vector<std::string> names;
  std::string_view rest = find(name).labels;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}

}  // namespace tocsin::app
