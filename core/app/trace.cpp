// `tocsin trace`: why somebody did, or did not, get an event.
#include <boost/json.hpp>

#include <cstdio>
#include <string>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/queue_words.hpp"
#include "core/app/remote.hpp"
#include "core/model/identifier.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

std::string by_name(const trace_options& options) {
  std::string target = "/v1/events/trace?event_id=" + percent_encode(options.event);
  if (!options.source.empty()) target += "&source=" + percent_encode(options.source);
  if (options.organization) target += "&organization=" + percent_encode(*options.organization);
  return target;
}

// The event by our identifier, else by its publisher's.
boost::system::result<json::value, remote_error> ask(const trace_options& options) {
  if (options.source.empty() && !options.organization && parse_event_id(options.event)) {
    auto answer = call(options.config, "GET", "/v1/events/" + percent_encode(options.event) + "/trace");
    if (answer || answer.error().why.code != "NOT_FOUND") return answer;
  }
  auto answer = call(options.config, "GET", by_name(options));
  if (answer || answer.error().why.code != "NOT_FOUND") return answer;
  const auto delivery = call(options.config, "GET", "/v1/deliveries/" + percent_encode(options.event));
  if (!delivery || delivery->at("events").as_array().empty()) return answer;
  const auto& event = delivery->at("events").as_array().front().at("event").as_string();
  return call(options.config, "GET", "/v1/events/" + std::string(event) + "/trace");
}

void print_event(const json::object& event) {
  std::printf("%s %s  %s, severity %s\n", paint("event", colour::bold).c_str(), shown(event, "event").c_str(),
              shown(event, "type").c_str(), shown(event, "severity").c_str());
  std::printf("      id %s, source %s, organization %s\n", shown(event, "id").c_str(), shown(event, "source").c_str(),
              shown(event, "organization").c_str());
  std::printf("      accepted %s (%s)\n", shown(event, "accepted").c_str(),
              relative_to_now(shown(event, "accepted")).c_str());
  if (!event.at("expires").is_null()) {
    std::printf("      expires %s (%s)\n", shown(event, "expires").c_str(),
                relative_to_now(shown(event, "expires")).c_str());
  }
  if (!event.at("erased").is_null()) {
    std::printf("      sensitive; its content was erased %s\n", relative_to_now(shown(event, "erased")).c_str());
  }
  if (event.at("duplicates").to_number<std::uint64_t>() > 0) {
    std::printf("      came again %s times, last %s: duplicates, for which nothing is sent\n",
                shown(event, "duplicates").c_str(), relative_to_now(shown(event, "last_duplicate")).c_str());
  }
}

void print_history(const json::object& delivery) {
  for (const auto& element : delivery.at("history").as_array()) {
    const auto& line = element.as_object();
    std::printf("      %s  %s", shown(line, "at").c_str(), shown(line, "code").c_str());
    for (const auto* words : {"detail", "server_reply"}) {
      if (const auto said = shown(line, words); said != "-") std::printf("  %s", said.c_str());
    }
    std::printf("\n");
  }
}

void print_delivery(const json::object& delivery) {
  const auto state = shown(delivery, "state");
  std::printf("  %s %s to %s over %s, by route \"%s\"", shown(delivery, "id").c_str(),
              paint(state, colour_of_state(state)).c_str(), shown(delivery, "recipient").c_str(),
              shown(delivery, "channel").c_str(), shown(delivery, "route").c_str());
  if (const auto next = next_try(delivery); next != "-") std::printf(", next try: %s", next.c_str());
  std::printf("\n");
  print_history(delivery);
  if (const auto by = shown(delivery, "superseded_by"); by != "-") {
    std::printf("      taken over by %s\n", by.c_str());
  }
  if (const auto why = shown(delivery, "explanation"); why != "-" && state != "delivered") {
    std::printf("      %s %s\n", why.c_str(),
                shown(delivery, "remedy") == "-" ? "" : shown(delivery, "remedy").c_str());
  }
}

void print_routes(const json::object& trace) {
  std::printf("\nroutes, by the settings in force:\n");
  for (const auto& element : trace.at("routes").as_array()) {
    const auto& route = element.as_object();
    const bool matched = shown(route, "verdict") == "matched";
    const auto whose = shown(route, "organization") == "-" ? std::string() : " of " + shown(route, "organization");
    std::printf("  %s \"%s\"%s: %s\n", paint(matched ? "yes" : "no ", matched ? colour::green : colour::dim).c_str(),
                shown(route, "route").c_str(), whose.c_str(), shown(route, "why").c_str());
  }
  if (const auto others = shown(trace, "routes_of_other_organizations"); others != "0" && others != "-") {
    std::printf("  %s routes of other organizations would take it, but see only their own events\n", others.c_str());
  }
}

}  // namespace

void print_trace(const json::object& trace) {
  print_event(trace.at("event").as_object());
  const auto& deliveries = trace.at("deliveries").as_array();
  if (deliveries.empty()) {
    std::printf("\n%s no route matched it when it was accepted: nobody was told.\n",
                paint("unrouted:", colour::yellow).c_str());
  } else {
    std::printf("\ndeliveries:\n");
    for (const auto& each : deliveries) print_delivery(each.as_object());
    if (trace.at("more_deliveries").as_bool()) std::printf("  and more: `tocsin queue list` shows all\n");
  }
  if (trace.contains("routes")) print_routes(trace);
  for (const auto& element : trace.at("others").as_array()) {
    const auto& other = element.as_object();
    std::printf("\nanother event bears that id: %s (source %s, organization %s)\n", shown(other, "event").c_str(),
                shown(other, "source").c_str(), shown(other, "organization").c_str());
  }
}

int trace(const trace_options& options) {
  const auto answer = ask(options);
  if (!answer) return fail(answer.error().why, options.json, answer.error().status);
  if (options.json) {
    std::printf("%s\n", json::serialize(*answer).c_str());
  } else {
    print_trace(answer->as_object());
  }
  return exit_done;
}

}  // namespace tocsin::app
