// Calls of the API that tell why somebody did, or did not, get an event.
#include "core/http/api_exchange.hpp"
#include "core/http/delivery_json.hpp"
#include "core/http/query.hpp"
#include "core/model/timestamp.hpp"
#include "core/model/utf8.hpp"
#include "core/routing/route_trace.hpp"

#include <boost/json/array.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::uint32_t most_deliveries = 1'000;

json::value time_or_null(const std::optional<time_ms>& at) {
  return at ? json::value(to_rfc3339(*at)) : json::value(nullptr);
}

json::object name_of(const event_record& event) {
  json::object out;
  out["event"] = to_text(event.id);
  out["organization"] = text_or_null(event.organization);
  out["source"] = make_utf8(event.source);
  out["id"] = make_utf8(event.external_id);
  return out;
}

json::object facts_of(const event_record& event) {
  auto out = name_of(event);
  out["type"] = make_utf8(event.type);
  out["severity"] = to_text(event.severity);
  out["accepted"] = to_rfc3339(event.accepted);
  out["expires"] = time_or_null(event.expires);
  out["sensitive"] = event.sensitive;
  out["erased"] = time_or_null(event.erased);
  out["duplicates"] = event.duplicates;
  out["last_duplicate"] = time_or_null(event.last_duplicate);
  out["duplicates_until"] = to_rfc3339(event.remembered_until);
  return out;
}

// What a route looks at, also where the content was erased.
event outline_of(const event_record& record) {
  event out;
  out.organization = record.organization;
  out.type = record.type;
  out.severity = record.severity;
  if (record.payload) out.recipient = record.payload->recipient;
  return out;
}

json::array deliveries_by(const std::string& route, const std::vector<delivery_record>& deliveries) {
  json::array out;
  for (const auto& each : deliveries) {
    if (each.route == route) out.emplace_back(to_text(each.id));
  }
  return out;
}

void add_routes(json::object& to, const event_record& event, const std::vector<delivery_record>& deliveries,
                const settings& in_force) {
  const auto& routes = in_force.routes();
  const auto traced = trace_routes(routes, outline_of(event), event.payload != nullptr);
  json::array out;
  for (const auto& each : traced.routes) {
    json::object line;
    line["route"] = make_utf8(each.rule->name);
    line["organization"] = text_or_null(each.rule->organization);
    line["verdict"] = to_text(each.verdict);
    line["why"] = make_utf8(each.why);
    line["deliveries"] = deliveries_by(each.rule->name, deliveries);
    out.push_back(std::move(line));
  }
  to["routes"] = std::move(out);
  to["routes_of_other_organizations"] = traced.of_others;
}

struct found_event {
  event_record event;
  std::vector<event_record> others;  // that the question may have meant as well
};

http_answer trace_of(const found_event& found, std::vector<delivery_record> deliveries, const delivery_words& words,
                     const settings_ptr& in_force) {
  const bool more = deliveries.size() > most_deliveries;
  if (more) deliveries.resize(most_deliveries);
  json::object out;
  out["event"] = facts_of(found.event);
  out["routed"] = !deliveries.empty();
  json::array list;
  for (const auto& each : deliveries) list.push_back(words.of(each));
  out["deliveries"] = std::move(list);
  out["more_deliveries"] = more;
  if (in_force) add_routes(out, found.event, deliveries, *in_force);
  json::array others;
  for (const auto& each : found.others) others.push_back(name_of(each));
  out["others"] = std::move(others);
  return ok(std::move(out));
}

}  // namespace

void api_exchange::trace(std::string_view path) {
  const auto id_path = path.substr(0, path.rfind('/'));
  const auto text = id_path.substr(id_path.rfind('/') + 1);
  event_query which;
  which.id = parse_event_id(text);
  auto unknown = not_found("There is no event \"" + std::string(text) + "\".");
  if (!which.id) return done(std::move(unknown));
  trace_event(std::move(which), std::move(unknown));
}

void api_exchange::trace_by_name(std::string_view query) {
  auto asked = parse_query(query, {"event_id", "source", "organization"});
  if (!asked) return done(bad_request(asked.error()));
  event_query which;
  for (auto& [name, value] : *asked) {
    if (name == "event_id") which.external_id = value;
    if (name == "source") which.source = value;
    if (name == "organization") which.organization = value;
  }
  if (which.external_id.empty()) {
    return done(bad_request(fault{"REQUEST_INVALID", "The query parameter \"event_id\" is missing.",
                                  "Send the event's CloudEvents id, and its source where several share it."}));
  }
  auto unknown = not_found("There is no event with the CloudEvents id \"" + which.external_id + "\" that fits.");
  trace_event(std::move(which), std::move(unknown));
}

void api_exchange::trace_event(event_query which, http_answer unknown) {
  if (auto refused = restrict_to(*by, which.organization)) return done(std::move(*refused));
  auto self = std::make_shared<api_exchange>(std::move(*this));
  self->parts.store->find_events(
      std::move(which), [self, unknown = std::move(unknown)](result<std::vector<event_record>> events) {
        if (!events) return self->done(refusal(events.error()));
        if (events->empty()) return self->done(unknown);
        auto found = std::make_shared<found_event>();
        found->event = std::move(events->front());
        found->others.assign(std::make_move_iterator(events->begin() + 1), std::make_move_iterator(events->end()));
        delivery_filter made_of_it;
        made_of_it.own_event = found->event.id;
        made_of_it.limit = most_deliveries + 1;
        self->parts.store->list(std::move(made_of_it), [self, found](result<std::vector<delivery_record>> list) {
          self->answer_with([found, list = std::move(list), words = delivery_words(self->parts),
                             in_force = self->parts.settings ? self->parts.settings() : nullptr] {
            return list ? trace_of(*found, *list, words, in_force) : refusal(list.error());
          });
        });
      });
}

}  // namespace tocsin
