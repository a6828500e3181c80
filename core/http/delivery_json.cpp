// Deliveries and counts as the API shows them.
#include "core/http/delivery_json.hpp"

#include "core/http/api.hpp"
#include "core/model/timestamp.hpp"
#include "core/model/utf8.hpp"

#include <boost/json/array.hpp>

namespace tocsin {
namespace {

namespace json = boost::json;

json::value id_or_null(const std::optional<delivery_id>& id) {
  return id ? json::value(to_text(*id)) : json::value(nullptr);
}

json::array history_of(const delivery_record& delivery) {
  json::array out;
  for (const auto& attempt : delivery.history) {
    json::object line;
    line["at"] = to_rfc3339(attempt.at);
    line["code"] = make_utf8(attempt.code);
    line["detail"] = text_or_null(attempt.detail);
    line["server_reply"] = text_or_null(attempt.server_reply);
    out.push_back(std::move(line));
  }
  return out;
}

// A digest has no event of its own.
json::array events_of(const delivery_record& delivery) {
  json::array out;
  if (!delivery.event_external_id.empty()) {
    json::object event;
    // Checked when it was accepted; a store may hold what an earlier version accepted.
    event["source"] = make_utf8(delivery.event_source);
    event["id"] = make_utf8(delivery.event_external_id);
    event["type"] = make_utf8(delivery.event_type);
    event["event"] = to_text(delivery.event);
    out.push_back(std::move(event));
  }
  return out;
}

}  // namespace

boost::json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(make_utf8(text));
}

delivery_words::delivery_words(const api_parts& parts) : codes_(parts.codes), pause_of_(parts.pause_of) {}

json::object delivery_words::of(const delivery_record& delivery) const {
  const auto& codes = *codes_;
  const bool told = !delivery.code.empty();
  json::object out;
  out["id"] = to_text(delivery.id);
  out["events"] = events_of(delivery);
  out["organization"] = text_or_null(delivery.organization);
  out["route"] = text_or_null(delivery.route);
  out["channel"] = delivery.endpoint.channel;
  out["recipient"] = make_utf8(delivery.recipient);
  out["state"] = to_text(delivery.state);
  out["attempts"] = delivery.attempts;
  out["uncertain"] = delivery.uncertain;
  out["code"] = text_or_null(delivery.code);
  out["explanation"] = told ? text_or_null(codes.find(delivery.code).explanation) : json::value(nullptr);
  out["detail"] = text_or_null(delivery.detail);
  out["remedy"] = told ? text_or_null(codes.find(delivery.code).remedy) : json::value(nullptr);
  out["server_reply"] = text_or_null(delivery.server_reply);
  out["message_id"] = "<" + delivery.message_id + ">";
  out["parent"] = id_or_null(delivery.parent);
  out["superseded_by"] = id_or_null(delivery.superseded_by);
  out["next_attempt"] = delivery.next_attempt ? json::value(to_rfc3339(*delivery.next_attempt)) : json::value(nullptr);
  out["paused"] = nullptr;
  if (delivery.state == delivery_state::pending || delivery.state == delivery_state::deferred) {
    if (const auto pause = pause_of_ ? pause_of_(delivery.endpoint) : std::nullopt)
      out["paused"] = to_json_object(*pause);
  }
  out["history"] = history_of(delivery);
  return out;
}

json::object to_json_object(const endpoint_pause& pause) {
  json::object out;
  out["organization"] = text_or_null(pause.endpoint.organization);
  out["code"] = make_utf8(pause.code);
  out["detail"] = text_or_null(pause.detail);
  out["since"] = to_rfc3339(pause.since);
  out["probe_at"] = to_rfc3339(pause.probe_at);
  return out;
}

json::object to_json_object(const state_counts& counts) {
  json::object out;
  for (std::size_t state = 0; state < counts.size(); ++state) {
    out[to_text(static_cast<delivery_state>(state))] = counts[state];
  }
  return out;
}

}  // namespace tocsin
