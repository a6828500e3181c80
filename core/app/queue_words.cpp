// Deliveries, pauses and times as the commands print them.
#include "core/app/queue_words.hpp"

#include <boost/json.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include "core/app/remote.hpp"
#include "core/model/timestamp.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

time_ms wall_clock() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

// "1 h 5 min": the two largest units.
std::string length_of(time_ms length) {
  constexpr std::array<std::pair<time_ms, const char*>, 4> units{
      {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "min"}, {1'000, "s"}}};
  std::string out;
  for (std::size_t at = 0; at < units.size(); ++at) {
    const auto [size, word] = units[at];
    if (length < size) continue;
    out = std::to_string(length / size) + " " + word;
    if (at + 1 < units.size() && length % size >= units[at + 1].first) {
      out += " " + std::to_string(length % size / units[at + 1].first) + " " + units[at + 1].second;
    }
    break;
  }
  return out;
}

std::string event_type(const json::object& delivery) {
  const auto* events = delivery.if_contains("events");
  if (events == nullptr || !events->is_array() || events->get_array().empty()) return "-";
  return shown(events->get_array().front().as_object(), "type");
}

const json::object* pause_in(const json::object& delivery) {
  const auto* pause = delivery.if_contains("paused");
  return pause != nullptr ? pause->if_object() : nullptr;
}

void print_pauses(const json::array& deliveries) {
  std::map<std::pair<std::string, std::string>, const json::object*> pauses;
  for (const auto& element : deliveries) {
    const auto& delivery = element.as_object();
    if (const auto* pause = pause_in(delivery)) {
      pauses[{shown(delivery, "channel"), shown(*pause, "organization")}] = pause;
    }
  }
  for (const auto& [key, pause] : pauses) {
    const std::string whose = key.second == "-" ? "" : " of " + key.second;
    const auto begun = shown(*pause, "since");
    const auto probe = relative_to_now(shown(*pause, "probe_at"));
    std::printf("%s %s%s has been paused since %s (%s) by %s; the next probe is due %s.\n",
                paint("paused:", colour::yellow).c_str(), key.first.c_str(), whose.c_str(), begun.c_str(),
                relative_to_now(begun).c_str(), paint(shown(*pause, "code"), colour::yellow).c_str(), probe.c_str());
  }
  if (!pauses.empty()) {
    std::printf("        `tocsin queue retry DELIVERY` ends the pause of its channel and tries at once.\n");
  }
}

}  // namespace

std::string shown(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return "-";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

colour colour_of_state(std::string_view state) {
  if (state == "delivered") return colour::green;
  if (state == "dead" || state == "expired") return colour::red;
  if (state == "deferred") return colour::yellow;
  return colour::none;
}

std::string relative_to_now(std::string_view rfc3339) {
  const auto at = parse_rfc3339(rfc3339);
  if (!at) return std::string(rfc3339);
  const auto away = *at - wall_clock();
  const auto words = length_of(std::abs(away));
  if (words.empty()) return "now";
  return away > 0 ? "in " + words : words + " ago";
}

std::string next_try(const json::object& delivery) {
  if (const auto* pause = pause_in(delivery)) return "paused, probe " + relative_to_now(shown(*pause, "probe_at"));
  auto next = shown(delivery, "next_attempt");
  if (next == "-") return next;
  const auto words = relative_to_now(next);
  return words.ends_with(" ago") ? "now" : words;
}

void print_deliveries(const json::array& deliveries) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& element : deliveries) {
    const auto& delivery = element.as_object();
    const auto state = shown(delivery, "state");
    rows.push_back({shown(delivery, "id"), paint(state, colour_of_state(state)), shown(delivery, "code"),
                    shown(delivery, "attempts"), shown(delivery, "channel"), shown(delivery, "recipient"),
                    event_type(delivery), next_try(delivery)});
  }
  print_table({"DELIVERY", "STATE", "CODE", "TRIES", "CHANNEL", "RECIPIENT", "EVENT TYPE", "NEXT TRY"}, rows);
  print_pauses(deliveries);
}

std::string filter_query(const queue_filter& filter) {
  std::string out;
  const auto add = [&out](const char* name, const std::string& value) {
    if (value.empty()) return;
    if (!out.empty()) out += "&";
    out.append(name).append("=").append(percent_encode(value));
  };
  add("event_id", filter.event);
  add("source", filter.source);
  add("state", filter.state);
  add("recipient", filter.recipient);
  if (filter.organization) {
    if (!out.empty()) out += "&";
    out += "organization=" + percent_encode(*filter.organization);
  }
  return out;
}

}  // namespace tocsin::app
