// What the engine tells of its failures, and how it keeps such news off the endpoint that they are about.
#include "core/delivery/engine.hpp"
#include "core/delivery/failure_policy.hpp"

#include <utility>

namespace tocsin::delivery_engine {

// Without the mutex, before the store is given the settlement: what is noted of the failure is on disk no later.
void engine::tell_failure(const ending& what) {
  const auto& written = what.written;
  if (parts_.failures == nullptr) return;
  if (written.state != delivery_state::dead && written.state != delivery_state::expired) return;
  const auto& delivery = what.delivery;
  if (delivery.payload && tells_of_failure(*delivery.payload)) return;
  delivery_failure told;
  told.id = delivery.id;
  told.endpoint = what.home->key;
  told.organization = delivery.organization;
  told.recipient = delivery.recipient;
  told.message_id = delivery.message_id;
  if (delivery.payload) {
    told.event_source = delivery.payload->source;
    told.event_id = delivery.payload->id;
    told.event_type = delivery.payload->type;
  }
  told.state = written.state;
  told.code = written.code;
  told.detail = written.detail;
  told.server_reply = written.server_reply;
  told.at = written.at;
  parts_.failures->failed(told);
}

// Posted with the mutex held, behind what the store is told of the same pause.
void engine::tell_paused(const endpoint_pause& what) {
  if (parts_.failures == nullptr) return;
  control_.post([self = shared_from_this(), what] { self->parts_.failures->paused(what); });
}

void engine::tell_resumed(const endpoint_key& key, std::string_view why) {
  if (parts_.failures == nullptr) return;
  control_.post([self = shared_from_this(), key, at = now(), reason = std::string(why)] {
    self->parts_.failures->resumed(key, at, reason);
  });
}

bool engine::is_about_itself(const flight& what, const endpoint& ep) {
  return what.delivery.payload && tells_of_failure_of(*what.delivery.payload, ep.key);
}

// News of an endpoint's own failure: over the next channel, or not at all.
engine::ending engine::keep_off(flight& what, time_ms at) {
  auto made = remove(what, nullptr, at);
  auto& written = made.written;
  const bool goes_on = !made.delivery.next_channels.empty();
  written.state = goes_on ? delivery_state::superseded : delivery_state::suppressed;
  written.code = "LOOP_GUARD";
  written.detail = goes_on ? "It tells of this endpoint's own failure and goes over the next channel."
                           : "It tells of this endpoint's own failure, and its route has no further channel.";
  written.record_attempt = true;
  written.next_attempt.reset();
  made.failed_over = goes_on;
  made.word = to_text(written.state);
  made.failure = true;
  return made;
}

}  // namespace tocsin::delivery_engine
