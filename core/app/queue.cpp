// `tocsin queue list` and `queue show`.
#include <boost/json.hpp>

#include <cstdio>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/remote.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

std::string shown(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

colour colour_of(const std::string& state) {
  if (state == "delivered") return colour::green;
  if (state == "dead" || state == "expired") return colour::red;
  if (state == "deferred") return colour::yellow;
  return colour::none;
}

std::string target_of(const queue_options& options) {
  std::string target = "/v1/deliveries?limit=" + std::to_string(options.limit);
  const auto add = [&target](const char* name, const std::string& value) {
    if (!value.empty()) target += std::string("&") + name + "=" + percent_encode(value);
  };
  add("event_id", options.event);
  add("source", options.source);
  add("state", options.state);
  add("recipient", options.recipient);
  if (options.organization) target += "&organization=" + percent_encode(*options.organization);
  return target;
}

std::string event_type(const json::object& delivery) {
  const auto* events = delivery.if_contains("events");
  if (events == nullptr || !events->is_array() || events->get_array().empty()) return "-";
  return shown(events->get_array().front().as_object(), "type");
}

}  // namespace

int queue_list(const queue_options& options) {
  const auto answer = call(options.config, "GET", target_of(options));
  if (!answer) return fail(answer.error().why, options.json, answer.error().status);
  if (options.json) {
    std::printf("%s\n", json::serialize(*answer).c_str());
    return exit_done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& element : answer->at("deliveries").as_array()) {
    const auto& delivery = element.as_object();
    const auto state = shown(delivery, "state");
    rows.push_back({shown(delivery, "id"), paint(state, colour_of(state)), shown(delivery, "code"),
                    shown(delivery, "attempts"), shown(delivery, "channel"), shown(delivery, "recipient"),
                    event_type(delivery), shown(delivery, "next_attempt")});
  }
  print_table({"ID", "STATE", "CODE", "TRIES", "CHANNEL", "RECIPIENT", "EVENT", "NEXT TRY"}, rows);
  return exit_done;
}

int queue_show(const queue_options& options) {
  const auto answer = call(options.config, "GET", "/v1/deliveries/" + percent_encode(options.id));
  if (!answer) return fail(answer.error().why, options.json, answer.error().status);
  if (options.json) {
    std::printf("%s\n", json::serialize(*answer).c_str());
    return exit_done;
  }
  const auto& delivery = answer->as_object();
  for (const auto& member : delivery)
    if (member.key() != "history" && member.key() != "events")
      std::printf("%-14s %s\n", std::string(member.key()).c_str(), shown(delivery, member.key()).c_str());
  for (const auto& element : delivery.at("events").as_array()) {
    const auto& event = element.as_object();
    std::printf("%-14s %s  id %s, source %s\n", "event", shown(event, "type").c_str(), shown(event, "id").c_str(),
                shown(event, "source").c_str());
  }
  for (const auto& element : delivery.at("history").as_array()) {
    const auto& attempt = element.as_object();
    std::string line = shown(attempt, "at") + "  " + shown(attempt, "code");
    for (const auto* words : {"detail", "server_reply"})
      if (const auto said = shown(attempt, words); !said.empty() && said != "-") line += "  " + said;
    std::printf("%-14s %s\n", "attempt", line.c_str());
  }
  return exit_done;
}

}  // namespace tocsin::app
