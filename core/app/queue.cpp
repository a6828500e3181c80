// `tocsin queue list` and `queue show`.
#include <boost/json.hpp>

#include <cstdio>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/queue_words.hpp"
#include "core/app/remote.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

void print_lines_of_history(const json::object& delivery) {
  for (const auto& element : delivery.at("history").as_array()) {
    const auto& attempt = element.as_object();
    std::string line = shown(attempt, "at") + "  " + shown(attempt, "code");
    for (const auto* words : {"detail", "server_reply"})
      if (const auto said = shown(attempt, words); !said.empty() && said != "-") line += "  " + said;
    std::printf("%-14s %s\n", "attempt", line.c_str());
  }
}

void print_delivery(const json::object& delivery) {
  for (const auto& member : delivery) {
    if (member.key() == "history" || member.key() == "events" || member.key() == "paused") continue;
    const std::string name(member.key() == "id" ? std::string_view("delivery") : std::string_view(member.key()));
    std::printf("%-14s %s\n", name.c_str(), shown(delivery, member.key()).c_str());
  }
  if (const auto next = next_try(delivery); next != "-") std::printf("%-14s %s\n", "next try", next.c_str());
  for (const auto& element : delivery.at("events").as_array()) {
    const auto& event = element.as_object();
    std::printf("%-14s %s  %s, id %s, source %s\n", "event", shown(event, "event").c_str(),
                shown(event, "type").c_str(), shown(event, "id").c_str(), shown(event, "source").c_str());
  }
  print_lines_of_history(delivery);
}

// An identifier from `publish` is an event's.
int show_event(const queue_options& options, const json::object& trace) {
  if (options.json) {
    std::printf("%s\n", json::serialize(trace).c_str());
    return exit_done;
  }
  const auto& deliveries = trace.at("deliveries").as_array();
  std::printf("%s is an event and not a delivery; %s\n\n", options.id.c_str(),
              deliveries.empty() ? "no delivery was made of it." : "its deliveries are:");
  if (!deliveries.empty()) print_deliveries(deliveries);
  std::printf("%s`tocsin trace %s` tells why.\n", deliveries.empty() ? "" : "\n", options.id.c_str());
  return exit_done;
}

}  // namespace

int queue_list(const queue_options& options) {
  std::string target = "/v1/deliveries?limit=" + std::to_string(options.limit);
  if (const auto filter = filter_query(options.filter); !filter.empty()) target += "&" + filter;
  const auto answer = call(options.config, "GET", target);
  if (!answer) return fail(answer.error().why, options.json, answer.error().status);
  if (options.json) {
    std::printf("%s\n", json::serialize(*answer).c_str());
  } else {
    print_deliveries(answer->at("deliveries").as_array());
  }
  return exit_done;
}

int queue_show(const queue_options& options) {
  const auto answer = call(options.config, "GET", "/v1/deliveries/" + percent_encode(options.id));
  if (!answer) {
    if (answer.error().why.code == "NOT_FOUND") {
      const auto event = call(options.config, "GET", "/v1/events/" + percent_encode(options.id) + "/trace");
      if (event) return show_event(options, event->as_object());
    }
    return fail(answer.error().why, options.json, answer.error().status);
  }
  if (options.json) {
    std::printf("%s\n", json::serialize(*answer).c_str());
  } else {
    print_delivery(answer->as_object());
  }
  return exit_done;
}

}  // namespace tocsin::app
