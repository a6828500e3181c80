// The host's own failures as events.
#include "core/delivery/failure_policy.hpp"

#include "core/model/identifier.hpp"
#include "core/model/timestamp.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <functional>
#include <utility>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::string_view down_type = "tocsin.channel.down";
constexpr std::string_view up_type = "tocsin.channel.up";
constexpr std::string_view delivery_type = "tocsin.delivery.failed";
constexpr std::string_view plugin_type = "tocsin.plugin.failed";

// An endpoint in an event's id. A channel's name has no slash in it.
std::string path_of(const endpoint_key& key) { return key.channel + "/" + key.organization; }

// "email", or "email of acme".
std::string name_of(const endpoint_key& key) {
  return key.organization.empty() ? key.channel : key.channel + " of " + key.organization;
}

event make_event(std::string_view type, std::string id, severity level, time_ms at) {
  event made;
  made.id = std::move(id);
  made.source = failure_source;
  made.type = type;
  made.severity = level;
  made.time = at;
  return made;
}

void add_text(json::object& to, std::string_view name, std::string_view value) {
  if (!value.empty()) to[name] = value;
}

void add_endpoint(json::object& to, const endpoint_key& key) {
  to["channel"] = key.channel;
  add_text(to, "organization", key.organization);
}

void add_code(json::object& to, const std::string& code, const code_entry& entry) {
  to["code"] = code;
  add_text(to, "explanation", entry.explanation);
  add_text(to, "remedy", entry.remedy);
}

void about_endpoint(event& made, const endpoint_key& key) {
  made.organization = key.organization;
  made.component = key.channel;
}

}  // namespace

bool tells_of_failure(const event& value) { return value.source == failure_source; }

bool tells_of_failure_of(const event& value, const endpoint_key& endpoint) {
  return tells_of_failure(value) && (value.type == down_type || value.type == delivery_type) &&
         value.component == endpoint.channel && value.organization == endpoint.organization;
}

// --- windows ---

bool failure_window::add(const delivery_failure& what) {
  const bool first = !open_;
  if (first) {
    open_ = failure_summary{what, 0, {}, what.at, false};
    // A clock that was set back makes no wait longer.
    due_ = std::clamp(quiet_until_, what.at + gather.count(), what.at + quiet.count());
  }
  ++open_->count;
  open_->last = std::max(open_->last, what.at);
  const bool fits = open_->codes.size() < most_codes || open_->codes.contains(what.code);
  ++open_->codes[fits ? what.code : "OTHER"];
  return first;
}

std::optional<failure_summary> failure_window::take(time_ms now) {
  if (open_) quiet_until_ = now + quiet.count();
  return std::exchange(open_, std::nullopt);
}

// --- events ---

event make_channel_down(const endpoint_pause& pause, const code_entry& code) {
  auto made = make_event(down_type, "down/" + path_of(pause.endpoint) + "/" + std::to_string(pause.since),
                         severity::error, pause.since);
  about_endpoint(made, pause.endpoint);
  made.subject = "Channel " + name_of(pause.endpoint) + " is down: " + pause.code;
  json::object data;
  add_endpoint(data, pause.endpoint);
  add_code(data, pause.code, code);
  add_text(data, "detail", pause.detail);
  data["since"] = to_rfc3339(pause.since);
  made.data = json::serialize(data);
  return made;
}

event make_channel_up(const endpoint_key& key, time_ms since, time_ms now, std::string_view why) {
  auto made =
      make_event(up_type, "up/" + path_of(key) + "/" + std::to_string(since), severity::success, std::max(since, now));
  about_endpoint(made, key);
  made.subject = "Channel " + name_of(key) + " is up again";
  json::object data;
  add_endpoint(data, key);
  data["down_since"] = to_rfc3339(since);
  add_text(data, "why", why);
  made.data = json::serialize(data);
  return made;
}

event make_delivery_failed(const failure_summary& what, const code_table& codes) {
  const auto& first = what.first;
  auto made = make_event(delivery_type,
                         "failed/" + path_of(first.endpoint) + "/" + to_text(first.id) + "/" + std::to_string(first.at),
                         severity::error, what.last);
  about_endpoint(made, first.endpoint);
  const std::string times = std::to_string(what.count) + (what.at_least ? " or more" : "");
  made.subject = what.count == 1 && !what.at_least
                     ? "Not delivered over " + name_of(first.endpoint) + " to " + first.recipient + ": " + first.code
                     : times + " not delivered over " + name_of(first.endpoint) + ": " + first.code;
  json::object data;
  add_endpoint(data, first.endpoint);
  data["count"] = what.count;
  if (what.at_least) data["at_least"] = true;
  if (what.codes.size() > 1) {
    json::object counted;
    for (const auto& [code, count] : what.codes) counted[code] = count;
    data["codes"] = std::move(counted);
  }
  add_code(data, first.code, codes.find(first.code));
  add_text(data, "detail", first.detail);
  add_text(data, "server_reply", first.server_reply);
  data["state"] = to_text(first.state);
  data["delivery"] = to_text(first.id);
  add_text(data, "recipient", first.recipient);
  add_text(data, "message_id", first.message_id);
  add_text(data, "event_source", first.event_source);
  add_text(data, "event_id", first.event_id);
  add_text(data, "event_type", first.event_type);
  add_text(data, "event_organization", first.organization);
  data["first"] = to_rfc3339(first.at);
  data["last"] = to_rfc3339(what.last);
  made.data = json::serialize(data);
  return made;
}

event make_plugin_failed(const plugin_failure& what) {
  // One that hangs may hang again tomorrow; one that is refused is so for the same reason at each start.
  const auto which =
      what.state == "hung"
          ? std::to_string(what.at)
          : std::to_string(std::hash<std::string>{}(what.version + "\n" + what.build_id + "\n" + what.reason));
  auto made =
      make_event(plugin_type, "plugin/" + what.plugin + "/" + what.state + "/" + which, severity::error, what.at);
  made.component = what.plugin;
  made.subject = "Plugin " + what.plugin + (what.state == "hung" ? " hangs" : " does not run");
  json::object data;
  data["plugin"] = what.plugin;
  add_text(data, "version", what.version);
  add_text(data, "build", what.build_id);
  data["state"] = what.state;
  add_text(data, "reason", what.reason);
  data["remedy"] = what.state == "hung"
                       ? "Look for the plugin's report in the log, tell its author, and restart the host."
                       : "Run tocsin plugin list: it says why, and which plugins there are.";
  made.data = json::serialize(data);
  return made;
}

}  // namespace tocsin
