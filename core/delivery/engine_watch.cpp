// Deliveries that a plugin does not complete, and those that an earlier run of the host did not survive.
#include "core/delivery/engine.hpp"
#include "core/observe/log.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::delivery_engine {
namespace {

using std::chrono::nanoseconds;

// After this a suspect is most likely waiting for its server, and others need not wait for it.
constexpr std::chrono::seconds suspect_wait{30};

}  // namespace

// --- deliveries that are never completed ---

// [pool] They still belong to send().
void engine::note_handed_over(const std::vector<flight*>& flights) {
  const std::lock_guard lock(mutex_);
  const auto at = parts_.clock->monotonic();
  for (auto* what : flights) what->handed_over = at;
  if (watch_ == clock::timer::none && !stopped_) arm_watch(settings_->host().plugins.delivery_limit);
}

void engine::arm_watch(nanoseconds wait) {
  watch_ = parts_.clock->after(std::chrono::ceil<std::chrono::milliseconds>(wait), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look_for_overdue();
  });
}

// Its lease ends here: the plugin may still send it, so it is uncertain, and is tried again like any other.
void engine::look_for_overdue() {
  struct taken {
    std::string plugin;
    std::vector<outgoing_message> messages;
  };
  std::map<std::shared_ptr<channel_port>, taken> overdue;
  std::chrono::milliseconds limit{0};
  {
    const std::lock_guard lock(mutex_);
    watch_ = clock::timer::none;
    if (stopped_ || drained_) return;
    limit = settings_->host().plugins.delivery_limit;
    const auto at = parts_.clock->monotonic();
    std::optional<nanoseconds> next;
    for (const auto& [id, what] : flights_) {
      if (!what->in_channel || !what->handed_over) continue;
      const nanoseconds left = *what->handed_over + limit - at;
      if (left > nanoseconds{0}) {
        next = std::min(next.value_or(left), left);
        continue;
      }
      auto& from = overdue[what->through->port];
      from.plugin = what->through->settings->plugin;
      auto& message = from.messages.emplace_back();
      message.delivery = id;
      message.attempt = what->delivery.attempts + 1;
      message.endpoint = what->through->token;
      message.payload = what->delivery.payload;
    }
    if (next) arm_watch(*next);
  }
  std::vector<outcome> outcomes;
  for (const auto& [port, from] : overdue) {
    port->take_back(from.messages, limit);
    if (parts_.taken_back) parts_.taken_back(from.plugin, from.messages.size());
    for (const auto& message : from.messages) {
      auto& how = outcomes.emplace_back();
      how.delivery = message.delivery;
      how.attempt = message.attempt;
      how.outcome_class = outcome_class::uncertain;
      how.code = "PLUGIN_HUNG";
      how.detail =
          "The plugin \"" + from.plugin + "\" was given this delivery (channel.deliver) and did not say within " +
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(limit).count()) + " s what became of it.";
    }
  }
  if (!outcomes.empty()) complete(std::move(outcomes));
}

// --- deliveries that the host may not survive ---

// One at a time in the whole host, so that a crash names the one that ends it.
bool engine::may_hand_over() const {
  return suspects_.empty() || parts_.clock->monotonic() - last_suspect_at_ >= suspect_wait;
}

void engine::hand_over_alone(const flight& suspect) {
  suspects_.insert(suspect.delivery.id);
  last_suspect_at_ = parts_.clock->monotonic();
}

void engine::wait_for_suspect(const endpoint_ptr& ep) {
  if (std::find(suspects_wait_.begin(), suspects_wait_.end(), ep) == suspects_wait_.end()) suspects_wait_.push_back(ep);
  if (suspects_timer_ != clock::timer::none || stopped_) return;
  suspects_timer_ = parts_.clock->after(suspect_wait, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    engine_lock lock(self->mutex_);
    self->suspects_timer_ = clock::timer::none;
    self->let_suspects_on(lock);
  });
}

void engine::suspect_ended(delivery_id id, engine_lock& lock) {
  suspects_.erase(id);
  let_suspects_on(lock);
}

void engine::let_suspects_on(engine_lock& lock) {
  for (const auto& ep : std::exchange(suspects_wait_, {})) start_pump(ep, lock);
}

engine::ending engine::blame_plugin(flight& what, const std::string& plugin, time_ms at) {
  const auto home = what.home->shared_from_this();
  leave(what, at);
  ending made = give_back(what.delivery, home, at);
  made.failed_over = !what.delivery.next_channels.empty();
  made.word = made.failed_over ? "superseded" : "dead";
  made.failure = true;
  auto& written = made.written;
  written.state = made.failed_over ? delivery_state::superseded : delivery_state::dead;
  written.next_attempt.reset();
  written.record_attempt = true;
  written.code = "PLUGIN_CRASHED";
  written.detail = "The host ended " + std::to_string(what.delivery.interrupted) +
                   " times in a row while the plugin \"" + plugin +
                   "\" had this delivery, so it is not given to it again. It may have been sent.";
  flights_.erase(what.delivery.id);
  return made;
}

}  // namespace tocsin::delivery_engine
