// From a channel's outcome to the store, and the end of it all: draining.
#include "core/delivery/engine.hpp"
#include "core/delivery/message_id.hpp"
#include "core/observe/log.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tocsin::delivery_engine {
namespace {

using std::chrono::milliseconds;

// After a failure of what was tried before its time, the rest waits this long before more of it is tried.
constexpr milliseconds early_retry_wait{30'000};
// A channel that gives everything back at once is not asked again at once.
constexpr milliseconds first_return_wait{10};
constexpr milliseconds longest_return_wait{5'000};
// A probe that came back untried is followed by the next one after this.
constexpr milliseconds returned_probe_wait{30'000};
// What a cancelled delivery may still take to come back.
constexpr milliseconds cancel_grace{500};

// Before or between attempts: as it was.
delivery_state waiting_state(const leased_delivery& delivery) {
  return delivery.attempts == 0 && delivery.last_code.empty() ? delivery_state::pending : delivery_state::deferred;
}

settlement unchanged(const leased_delivery& delivery, time_ms at) {
  settlement written;
  written.id = delivery.id;
  written.state = waiting_state(delivery);
  written.at = at;
  written.attempts = delivery.attempts;
  written.uncertain = delivery.uncertain;
  written.record_attempt = false;  // and no code: what was last reported stays
  written.next_attempt = at;
  return written;
}

constexpr const char* expired_detail = "Its time to live ran out before it could be delivered.";

// Did it get as far as the recipient, past whatever the endpoint was paused for?
bool gets_through(outcome_class how) {
  return how == outcome_class::delivered || how == outcome_class::permanent || how == outcome_class::uncertain;
}

// Does the server's owner count it?
bool gets_sent(outcome_class how) { return how == outcome_class::delivered || how == outcome_class::uncertain; }

}  // namespace

// --- endings ---

engine::ending engine::give_back(const leased_delivery& delivery, const endpoint_ptr& home, time_ms at) {
  return {delivery, home, unchanged(delivery, at), false, {}, false, {}, {}};
}

// Without an attempt: it waits for its endpoint, unless its time has run out or the next channel can take it.
engine::ending engine::put_off(const leased_delivery& delivery, const endpoint_ptr& home, const hold& why, time_ms at,
                               bool was_probe) {
  ending made = give_back(delivery, home, at);
  auto& written = made.written;
  if (why.code != delivery.last_code) {
    written.code = why.code;
    written.detail = why.detail;
  }
  if (delivery.expires && at >= *delivery.expires) {
    written.state = delivery_state::expired;
    written.code = "EXPIRED";
    written.detail = expired_detail;
    written.record_attempt = true;
    written.next_attempt.reset();
    made.word = "expired";
  } else if (why.fail_over && !delivery.next_channels.empty()) {
    written.state = delivery_state::superseded;
    written.record_attempt = true;
    written.next_attempt.reset();
    made.failed_over = true;
    made.word = "superseded";
  } else {
    if (!why.code.empty()) written.state = delivery_state::deferred;
    auto until = at + why.wait.value_or(park_time).count();
    // Past the reach of whatever leased it before its time: it would be taken again at once, ahead of all others.
    until = std::max(until, home->early_until + 1);
    if (was_probe) until = std::max(until, home->parked_until + 1);
    if (delivery.expires) until = std::min(until, *delivery.expires);
    if (until <= home->early_until) home->early_not_before = at + early_retry_wait.count();
    written.next_attempt = until;
    if (!was_probe) home->parked_until = std::max(home->parked_until, until);
    if (!written.code.empty()) made.word = "deferred";
  }
  made.failure = true;
  return made;
}

// Nothing was learned from it: the next one comes after a while, not at once.
void engine::drop_probe(endpoint& home, time_ms at) {
  home.probing = false;
  if (home.pause) home.pause->probe_at = std::max(home.pause->probe_at, at + returned_probe_wait.count());
}

// A delivery that no channel has leaves the engine's hands.
void engine::leave(flight& what, time_ms at) {
  if (what.through != nullptr) --what.through->placed;
  --what.home->in_flight;
  if (what.probe) drop_probe(*what.home, at);
}

// why: null to give it back as it was.
engine::ending engine::remove(flight& what, const hold* why, time_ms at) {
  const auto home = what.home->shared_from_this();
  leave(what, at);
  auto made =
      why != nullptr ? put_off(what.delivery, home, *why, at, what.was_probe) : give_back(what.delivery, home, at);
  flights_.erase(what.delivery.id);
  return made;
}

// --- outcomes ---

void engine::complete(std::vector<outcome> outcomes) {
  std::vector<double> jitter(outcomes.size());
  for (auto& one : jitter) one = parts_.jitter ? parts_.jitter() : 0;
  std::vector<ending> ended;
  std::vector<endpoint_ptr> touched;
  std::vector<outcome> strangers;
  {
    engine_lock lock(mutex_);
    const auto at = now();
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      auto& how = outcomes[i];
      const auto found = flights_.find(how.delivery);
      const bool ours = found != flights_.end() && found->second->in_channel &&
                        (how.attempt == 0 || how.attempt == found->second->delivery.attempts + 1);
      if (!ours) {
        strangers.push_back(std::move(how));
        continue;
      }
      touched.push_back(found->second->home->shared_from_this());
      if (found->second->via != found->second->home) touched.push_back(found->second->via->shared_from_this());
      ended.push_back(finish(*found->second, std::move(how), at, jitter[i], lock));
    }
    for (const auto& ep : touched) save_quota(ep, lock);
    count_settling(ended);
  }
  for (const auto& one : strangers) {
    log::write(log::level::warn, "an outcome came for a delivery that no channel has; it is passed over",
               {{"delivery", to_text(one.delivery)}, {"code", one.code}});
  }
  if (ended.empty()) return;
  settle(std::move(ended));
  engine_lock lock(mutex_);
  for (const auto& ep : touched) {
    start_pump(ep, lock);  // a slot is free for what is placed
    advance(ep, lock);
  }
  feed(lock);
  look_if_drained(lock);
}

engine::ending engine::finish(flight& what, outcome how, time_ms at, double jitter, engine_lock& lock) {
  auto& delivery = what.delivery;
  const auto home = what.home->shared_from_this();
  const auto via = what.via->shared_from_this();

  attempt_end end{};
  end.outcome_class = how.outcome_class;
  end.retry_after = how.retry_after;
  end.attempts = delivery.attempts;
  end.uncertain = delivery.uncertain;
  end.created = delivery.created;
  end.now = at;
  end.expires = delivery.expires;
  end.paused = paused_since(*via, delivery.created, at);
  end.has_next_channel = !delivery.next_channels.empty();
  end.jitter = jitter;
  auto step = next_step(end, what.through->retry);

  ending made{{}, home, unchanged(delivery, at), false, {}, false, {}, {}};
  auto& written = made.written;
  if (how.outcome_class != outcome_class::returned) {
    made.attempted = how.code;
    if (what.handed_over) made.took = parts_.clock->monotonic() - *what.handed_over;
    // Secrets are blotted out before they come here: by the plugin host, and by send() and open() for their own words.
    written.code = how.code;
    written.detail = std::move(how.detail);
    written.server_reply = std::move(how.server_reply);
    written.transcript = std::move(how.transcript);
    written.record_attempt = true;
  }
  touch_endpoint(what, how, step, written, at, lock);
  written.state = step.state;
  written.attempts = step.attempts;
  written.uncertain = step.uncertain;
  written.next_attempt = step.next_attempt;
  if (step.state == delivery_state::expired) {
    written.detail = std::string(expired_detail) +
                     (written.code.empty() ? "" : " The last attempt: " + written.code + " " + written.detail);
    written.code = "EXPIRED";
    written.record_attempt = true;
  }
  made.failed_over = step.state == delivery_state::superseded;
  made.word = how.outcome_class == outcome_class::returned && !is_final(step.state) ? "" : to_text(step.state);
  made.failure = step.state != delivery_state::delivered;

  if (via->quota.limits().per_day > 0 && gets_sent(how.outcome_class)) {
    via->quota.sent(1, at);
    via->quota_unsaved = true;
  }
  --home->in_flight;
  --via->in_channel;
  --what.through->in_channel;
  via->last_used = at;
  home->last_used = at;
  if (is_suspect(delivery)) suspect_ended(delivery.id, lock);
  made.delivery = std::move(delivery);
  flights_.erase(made.written.id);
  return made;
}

// What an outcome means for its endpoint, and the endpoint for the delivery's next attempt.
void engine::touch_endpoint(flight& what, const outcome& how, delivery_step& step, settlement& written, time_ms at,
                            engine_lock& lock) {
  const auto via = what.via->shared_from_this();
  const auto home = what.home->shared_from_this();
  const bool returned = how.outcome_class == outcome_class::returned;
  const bool waits = !is_final(step.state);
  // It went by settings that are not in force any more, and says nothing about those that are.
  const bool stale = what.through->stale ||
                     (via->settings && what.through->settings->server_fingerprint != via->settings->server_fingerprint);
  via->returns = returned ? via->returns + 1 : 0;

  if (what.probe) {
    home->probing = false;
    if (stale || returned) {
      drop_probe(*home, at);
    } else if (home->pause && gets_through(how.outcome_class) && how.code != "RENDER_FAILED") {
      end_pause(home, lock, "a probe got through");
    } else if (home->pause) {
      const bool same_kind = step.endpoint == endpoint_action::pause;
      probe_failed(home, lock, same_kind ? how.code : home->pause->code,
                   same_kind ? written.detail : home->pause->detail);
    }
  }
  if (step.endpoint == endpoint_action::pause && stale) {
    if (waits) step.next_attempt = at;
  } else if (step.endpoint == endpoint_action::pause) {
    const auto& view_settings = *what.through->settings;
    const bool own_part = via->settings && view_settings.fingerprint != via->settings->fingerprint &&
                          how.outcome_class == outcome_class::config && parts_.codes != nullptr &&
                          parts_.codes->find(how.code).stage == "sender";
    // A sender's address that one organization gave itself is no fault of the server that it shares with others.
    if (!own_part && !via->pause) {
      const auto detail = !written.detail.empty() ? written.detail : written.server_reply;
      pause(via, lock, how.code, detail, via->settings ? via->settings->fingerprint : 0);
      start_pump(via, lock);
    }
    if (waits) {
      const auto wait = own_part ? view_wait(milliseconds{at - what.delivery.created}) : park_time;
      step.next_attempt = at + wait.count();
    }
  } else if (step.endpoint == endpoint_action::slow_down && waits) {
    via->slow_until = std::max(via->slow_until, *step.next_attempt);
    home->slow_until = std::max(home->slow_until, *step.next_attempt);
  } else if (returned && waits && !draining_) {
    // The first one comes back at once: it was most likely a connection that had gone stale.
    milliseconds wait{0};
    for (std::uint32_t i = 1; i < via->returns && wait < longest_return_wait; ++i) {
      wait = std::clamp(wait * 2, first_return_wait, longest_return_wait);
    }
    step.next_attempt = at + wait.count();
  }
  if (!waits) return;
  if (via->pause && (returned || step.endpoint == endpoint_action::none)) {
    step.next_attempt = std::max(*step.next_attempt, at + park_time.count());
  }
  if (what.delivery.expires) step.next_attempt = std::min(*step.next_attempt, *what.delivery.expires);
  if (via->pause || step.endpoint == endpoint_action::pause) {
    home->parked_until = std::max(home->parked_until, *step.next_attempt);
  }
  if (!returned) home->early_not_before = at + early_retry_wait.count();
}

// --- to the store ---

std::optional<new_delivery> engine::successor(const leased_delivery& delivery, const tocsin::settings& from,
                                              time_ms at) {
  const auto& channel = delivery.next_channels.front();
  new_delivery next;
  next.id = delivery_id{parts_.identifiers->next(at)};
  const auto settings = from.endpoint(channel, delivery.organization);
  next.endpoint = settings ? (*settings)->key : endpoint_key{channel, delivery.organization};
  next.recipient = delivery.recipient;
  next.route = delivery.route;
  next.template_name = delivery.template_name;
  next.language = delivery.language;
  next.message_id = make_message_id(next.id, message_host_);
  next.next_channels.assign(delivery.next_channels.begin() + 1, delivery.next_channels.end());
  next.give_up_at = delivery.expires;
  return next;
}

// With the mutex, together with the removal of the flights: what is being settled keeps the engine from being drained.
void engine::count_settling(const std::vector<ending>& ended) {
  if (!ended.empty()) ++under_way_;
}

// Without the mutex; was counted by count_settling().
void engine::settle(std::vector<ending> ended) {
  const auto at = now();
  settings_ptr settings;
  {
    const std::lock_guard lock(mutex_);
    settings = settings_;
  }
  std::vector<settlement> batch;
  std::vector<settled_home> homes;
  std::vector<endpoint_key> successors;
  batch.reserve(ended.size());
  homes.reserve(ended.size());
  for (auto& one : ended) {
    if (one.failed_over) {
      one.written.successor = successor(one.delivery, *settings, at);
      successors.push_back(one.written.successor->endpoint);
    }
    measure(one);
    homes.push_back({one.home, one.written.next_attempt});
    write_log(one, at);
    tell_failure(one);
    batch.push_back(std::move(one.written));
  }
  settler_->settle(std::move(batch),
                   [self = shared_from_this(), homes = std::move(homes),
                    successors = std::move(successors)](bool written) { self->settled(homes, successors, written); });
}

void engine::settled(const std::vector<settled_home>& homes, const std::vector<endpoint_key>& successors,
                     bool written) {
  engine_lock lock(mutex_);
  --under_way_;
  if (!written) {
    store_gone_ = true;
  } else {
    for (const auto& [home, due] : homes) {
      if (!due) continue;
      const auto ep = home->erased ? get(home->key, lock) : home;
      ep->next_due = ep->next_due ? std::min(*ep->next_due, *due) : *due;
    }
    // Also where nothing is due again: the place of what ended is free for the rest of the backlog, and if another
    // endpoint sent it, nobody else tells its own.
    const endpoint* last = nullptr;
    for (const auto& [home, due] : homes) {
      if (home.get() == last) continue;
      last = home.get();
      const auto found = endpoints_.find(home->key);
      if (found != endpoints_.end()) advance(endpoint_ptr(found->second), lock);
    }
    for (const auto& key : successors) {
      const auto ep = get(key, lock);
      ep->may_have_due = true;
      if (ep->leasing > 0) ep->lease_again = true;
      advance(ep, lock);
    }
  }
  feed(lock);
  look_if_drained(lock);
}

void engine::measure(const ending& what) const {
  const auto& written = what.written;
  if (!parts_.measured || (what.attempted.empty() && !is_final(written.state))) return;
  delivery_measure measured;
  measured.channel = what.home->key.channel;
  measured.state = written.state;
  measured.code = what.attempted.empty() ? written.code : what.attempted;
  measured.attempted = !what.attempted.empty();
  measured.took = what.took;
  measured.age = milliseconds{std::max<time_ms>(written.at - what.delivery.created, 0)};
  parts_.measured(measured);
}

void engine::write_log(const ending& what, time_ms at) {
  if (what.word.empty()) return;
  const auto& written = what.written;
  outcome_log_policy::decision decided;
  {
    const std::lock_guard lock(mutex_);
    auto& policy = what.home->log;
    decided = what.failure
                  ? policy.failure(std::string(what.word) + " " + written.code + " " + written.server_reply, at)
                  : policy.success();
  }
  const auto& delivery = what.delivery;
  const auto& key = what.home->key;
  const bool lost = written.state == delivery_state::dead || written.state == delivery_state::expired;
  const auto level = lost ? log::level::warn : log::level::info;
  if (decided.count) {
    log::write(log::level::warn, "more outcomes of the same words",
               {{"channel", key.channel},
                {"organization", key.organization},
                {"times", std::to_string(decided.count->times)},
                {"words", decided.count->text}});
  }
  if (!decided.write) return;
  const std::array<log::field, 9> fields{{{"delivery", to_text(delivery.id)},
                                          {"event", to_text(delivery.event)},
                                          {"channel", key.channel},
                                          {"organization", delivery.organization},
                                          {"recipient", delivery.recipient},
                                          {"attempt", std::to_string(written.attempts)},
                                          {"code", written.code},
                                          {"reply", written.server_reply},
                                          {"detail", written.detail}}};
  log::write(level, what.word, fields);
}

// --- draining ---

void engine::drain(milliseconds limit, std::function<void()> done) {
  engine_lock lock(mutex_);
  draining_ = true;
  drain_done_ = std::move(done);
  for (const auto& [key, ep] : endpoints_) start_pump(ep, lock);
  parts_.clock->after(limit, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->cancel_all();
  });
  look_if_drained(lock);
}

// The limit has passed: channels give back what they can; what does not come back stays leased, and the next start
// finds it as interrupted.
void engine::cancel_all() {
  engine_lock lock(mutex_);
  if (drained_) return;
  std::map<std::shared_ptr<channel_port>, std::vector<outgoing_message>> batches;
  for (const auto& [id, what] : flights_) {
    if (!what->in_channel) continue;
    auto& message = batches[what->through->port].emplace_back();
    message.delivery = id;
    message.attempt = what->delivery.attempts + 1;
    message.endpoint = what->through->token;
  }
  lock.after([batches = std::move(batches)] {
    for (const auto& [port, messages] : batches) port->cancel(messages);
  });
  parts_.clock->after(cancel_grace, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    engine_lock guard(self->mutex_);
    if (self->drained_) return;
    self->look_if_drained(guard, true);
  });
}

void engine::look_if_drained(engine_lock& lock, bool forced) {
  if (!draining_ || drained_) return;
  if (!forced && (under_way_ > 0 || !flights_.empty())) return;
  drained_ = true;
  if (watch_ != clock::timer::none) parts_.clock->cancel(watch_);
  watch_ = clock::timer::none;
  for (const auto& [key, ep] : endpoints_) {
    if (ep->timer != clock::timer::none) parts_.clock->cancel(ep->timer);
    ep->timer = clock::timer::none;
  }
  lock.after([self = shared_from_this(), done = std::move(drain_done_)] {
    self->control_.post([self, done] {
      self->close_all();
      if (done) done();
    });
  });
}

// [control] After the last opening: none begins once the engine is drained.
void engine::close_all() {
  std::vector<std::pair<std::shared_ptr<channel_port>, endpoint_token>> open;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, ep] : endpoints_) {
      for (const auto& [fingerprint, one] : ep->views) {
        if (one->state == view::phase::open) open.emplace_back(one->port, one->token);
      }
      ep->state = endpoint::phase::closed;
    }
  }
  for (const auto& [port, token] : open) port->close(token);
}

}  // namespace tocsin::delivery_engine
