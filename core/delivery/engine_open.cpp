// Opening and closing endpoints and their views, pauses, and what other settings change.
#include "core/delivery/engine.hpp"
#include "core/observe/log.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::delivery_engine {
namespace {

// Views that one endpoint keeps open; beyond it the one that was used longest ago is closed.
constexpr std::size_t views_kept = 64;
// How much is taken up at once of what waits on an endpoint that has no server of its own any more.
constexpr std::uint32_t redirected_slots = 8;

retry_policy policy_of(const retry_settings& from) { return {from.first, from.max, from.give_up}; }

// Whatever keeps a channel from opening is a fault of its settings. Its words are written down with each delivery that
// waits for it; secrets in them are blotted out here, once, and without the mutex.
fault as_settings_fault(fault why) {
  if (why.code != "CHANNEL_UNKNOWN") why.code = "SETTINGS_INVALID";
  why.what = log::redact(why.what);
  why.remedy = log::redact(why.remedy);
  return why;
}

bool found_by_host(std::string_view code) { return code == "SETTINGS_INVALID" || code == "CHANNEL_UNKNOWN"; }

}  // namespace

// --- endpoints ---

void engine::open(const endpoint_ptr& ep, engine_lock& lock) {
  ep->state = endpoint::phase::opening;
  lock.after([self = shared_from_this(), ep] { self->control_.post([self, ep] { self->do_open(ep); }); });
}

// [control]
void engine::do_open(const endpoint_ptr& ep) {
  settings_ptr all;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || drained_ || ep->state != endpoint::phase::opening) return;
    all = settings_;
  }
  auto found = all->endpoint(ep->key.channel, ep->key.organization);
  if (!found) return open_failed(ep, nullptr, found.error());
  const endpoint_settings_ptr settings = *found;
  if (settings->key != ep->key) return redirect(ep, settings);
  if (settings->problem) return open_failed(ep, settings, *settings->problem);
  if (!settings->enabled) return switched_off(ep, settings);
  auto open = open_channel(*settings);
  if (!open) return open_failed(ep, settings, open.error());
  opened(ep, settings, open->port, open->endpoint);
}

// [control]
result<engine::opening> engine::open_channel(const endpoint_settings& settings) {
  auto port = parts_.channels(settings.plugin);
  if (!port) {
    return fault{"SETTINGS_INVALID",
                 "The plugin \"" + settings.plugin + "\" that serves channel \"" + settings.key.channel +
                     "\" is not installed or did not start.",
                 "Run tocsin plugin list: it says which plugins there are and why one was refused."};
  }
  if (parts_.check_settings) {
    if (auto why = parts_.check_settings(settings)) return *std::move(why);
  }
  auto open = port->open(settings);
  if (!open) return open.error();
  open->slots = std::max(open->slots, 1u);
  return opening{std::move(port), *open};
}

void engine::opened(const endpoint_ptr& ep, endpoint_settings_ptr settings, std::shared_ptr<channel_port> port,
                    opened_endpoint open) {
  engine_lock lock(mutex_);
  auto& own = ep->views[settings->fingerprint];
  if (!own) own = std::make_unique<view>();
  if (own->state == view::phase::open) {
    // It was open already, and deliveries may be under way through it: the second opening goes.
    control_.post([port = std::move(port), token = open.token] { port->close(token); });
    open.slots = own->slots;
  } else {
    own->state = view::phase::open;
    own->settings = settings;
    own->port = std::move(port);
    own->token = open.token;
    own->slots = open.slots;
  }
  own->retry = policy_of(settings_->retry(*settings));
  own->stale = false;
  ep->state = endpoint::phase::open;
  ep->settings = settings;
  ep->redirected = false;
  ep->slots = open.slots;
  ep->quota.set(quota_limits_of(settings->settings), parts_.clock->monotonic());
  end_pause_if_other(ep, lock, settings->fingerprint);
  if (ep->pause && ep->paused_by_open) end_pause(ep, lock, "its settings work now");
  start_pump(ep, lock);
  advance(ep, lock);
}

void engine::open_failed(const endpoint_ptr& ep, endpoint_settings_ptr settings, fault why) {
  why = as_settings_fault(std::move(why));
  const auto fingerprint = settings ? settings->fingerprint : 0;
  engine_lock lock(mutex_);
  ep->state = endpoint::phase::failed;
  ep->settings = std::move(settings);
  ep->redirected = false;
  ep->slots = 0;
  end_pause_if_other(ep, lock, fingerprint);
  if (ep->pause) {
    if (now() >= ep->pause->probe_at) probe_failed(ep, lock, why.code, why.to_string());
  } else {
    pause(ep, lock, why.code, why.to_string(), fingerprint);
  }
  ep->paused_by_open = true;
  start_pump(ep, lock);
  advance(ep, lock);
}

// The organization has no server of its own any more: what was written for it goes by what is in force now.
void engine::redirect(const endpoint_ptr& ep, endpoint_settings_ptr settings) {
  engine_lock lock(mutex_);
  ep->state = endpoint::phase::open;
  ep->settings = settings;
  ep->redirected = true;
  ep->slots = redirected_slots;
  ep->slow_until = 0;  // what its old server wished, and allowed
  ep->quota.set({}, parts_.clock->monotonic());
  if (ep->pause) end_pause(ep, lock, "other settings are in force");
  start_pump(ep, lock);
  advance(ep, lock);
}

void engine::switched_off(const endpoint_ptr& ep, endpoint_settings_ptr settings) {
  engine_lock lock(mutex_);
  ep->state = endpoint::phase::off;
  ep->settings = settings;
  ep->redirected = false;
  ep->slots = 0;
  if (ep->pause) end_pause(ep, lock, "it is switched off");
  ep->early_until = 0;
  start_pump(ep, lock);
  advance(ep, lock);
}

// --- views ---

view& engine::view_of(const endpoint_ptr& ep, const endpoint_settings_ptr& settings, engine_lock& lock) {
  auto& found = ep->views[settings->fingerprint];
  if (!found) {
    found = std::make_unique<view>();
    found->settings = settings;
  } else if (found->state != view::phase::blocked || now() < found->blocked_until) {
    found->used = ++ep->uses;
    found->stale = false;
    return *found;
  }
  found->state = view::phase::opening;
  found->used = ++ep->uses;
  ++ep->opening_views;
  lock.after([self = shared_from_this(), ep, fingerprint = settings->fingerprint] {
    self->control_.post([self, ep, fingerprint] { self->do_open_view(ep, fingerprint); });
  });
  return *found;
}

// [control]
void engine::do_open_view(const endpoint_ptr& ep, std::uint64_t fingerprint) {
  endpoint_settings_ptr settings;
  settings_ptr all;
  {
    const std::lock_guard lock(mutex_);
    auto& wanted = *ep->views.at(fingerprint);
    if (stopped_ || drained_ || wanted.state != view::phase::opening) {
      --ep->opening_views;
      return;
    }
    settings = wanted.settings;
    all = settings_;
  }
  const auto retry = policy_of(all->retry(*settings));
  auto open = settings->problem ? result<opening>(*settings->problem) : open_channel(*settings);
  auto problem = open ? fault{} : as_settings_fault(open.error());
  engine_lock lock(mutex_);
  auto& made = *ep->views.at(fingerprint);
  --ep->opening_views;
  made.retry = retry;
  if (open) {
    made.state = view::phase::open;
    made.port = open->port;
    made.token = open->endpoint.token;
    made.slots = open->endpoint.slots;
  } else {
    made.state = view::phase::blocked;
    made.problem = std::move(problem);
    made.blocked_until = now() + view_wait({}).count();
  }
  start_pump(ep, lock);
  look_if_drained(lock);
}

// Closes views that nobody uses and that are stale or too many; all of them if the endpoint has been idle. Never while
// a deliver() may be under way.
void engine::close_views(const endpoint_ptr& ep, engine_lock& lock, bool all) {
  if (ep->pumping || ep->views.empty()) return;
  const auto unused = [](const view& one) {
    return one.in_channel == 0 && one.placed == 0 && one.state != view::phase::opening;
  };
  const auto close = [&](auto it) {
    if (it->second->state == view::phase::open) {
      lock.after([self = shared_from_this(), port = it->second->port, token = it->second->token] {
        self->control_.post([port, token] { port->close(token); });
      });
    }
    return ep->views.erase(it);
  };
  for (auto it = ep->views.begin(); it != ep->views.end();) {
    it = unused(*it->second) && (all || it->second->stale) ? close(it) : std::next(it);
  }
  while (ep->views.size() > views_kept) {
    auto oldest = ep->views.end();
    for (auto it = ep->views.begin(); it != ep->views.end(); ++it) {
      if (ep->settings && it->first == ep->settings->fingerprint) continue;
      if (unused(*it->second) && (oldest == ep->views.end() || it->second->used < oldest->second->used)) oldest = it;
    }
    if (oldest == ep->views.end()) break;
    close(oldest);
  }
  if (all && ep->views.empty() && ep->state == endpoint::phase::open) {
    ep->state = endpoint::phase::closed;
    ep->slots = 0;
  }
}

// --- pauses ---

std::chrono::milliseconds engine::paused_since(const endpoint& ep, time_ms created, time_ms at) const {
  auto sum = ep.pauses.paused(created, at);
  if (ep.pause) sum += std::chrono::milliseconds{std::max<time_ms>(at - std::max(created, ep.pause->since), 0)};
  return sum;
}

void engine::pause(const endpoint_ptr& ep, engine_lock& lock, std::string code, std::string detail,
                   std::uint64_t fingerprint) {
  const auto at = now();
  ep->pause =
      endpoint_pause{ep->key, std::move(code), std::move(detail), at, at + probe_wait(0).count(), 0, fingerprint};
  ep->paused_by_open = found_by_host(ep->pause->code);
  ep->early_until = 0;
  save_pause(ep);
  tell_paused(*ep->pause);
  lock.after([shown = *ep->pause] {
    log::write(log::level::warn, "endpoint paused",
               {{"channel", shown.endpoint.channel},
                {"organization", shown.endpoint.organization},
                {"code", shown.code},
                {"why", shown.detail}});
  });
}

void engine::probe_failed(const endpoint_ptr& ep, engine_lock& lock, const std::string& code,
                          const std::string& detail) {
  auto& known = *ep->pause;
  const bool other = known.code != code;
  known.code = code;
  known.detail = detail;
  ++known.probes;
  known.probe_at = now() + probe_wait(known.probes).count();
  save_pause(ep);
  if (!other) return;
  lock.after([shown = known] {
    log::write(log::level::warn, "endpoint still paused",
               {{"channel", shown.endpoint.channel},
                {"organization", shown.endpoint.organization},
                {"code", shown.code},
                {"why", shown.detail}});
  });
}

// Posted with the mutex held, so that the store hears of pauses in the order in which they began and ended.
void engine::save_pause(const endpoint_ptr& ep) {
  control_.post([self = shared_from_this(), saved = *ep->pause] {
    self->parts_.store->save_pause(saved, [key = saved.endpoint](result<void> written) {
      if (written) return;
      log::write(log::level::warn, "a pause could not be written down; it is forgotten at the next start",
                 {{"channel", key.channel}, {"organization", key.organization}, {"code", written.error().code}});
    });
  });
}

void engine::end_pause(const endpoint_ptr& ep, engine_lock& lock, std::string_view why) {
  const auto ended = std::move(*ep->pause);
  ep->pause.reset();
  ep->paused_by_open = false;
  ep->probing = false;
  ep->early_until = ep->parked_until;
  ep->early_not_before = 0;
  ep->pauses.add(ended.since, now());
  control_.post([self = shared_from_this(), key = ep->key, history = ep->pauses.to_text(), at = now()] {
    accept_batch remembered;
    remembered.memory.push_back({"tocsin/endpoint", "pauses " + key.channel + "\n" + key.organization, history});
    remembered.now = at;
    self->parts_.store->accept(std::move(remembered), [](const auto&) {});
    self->parts_.store->clear_pause(key, [](const auto&) {});
  });
  tell_resumed(ep->key, why);
  // What waits on endpoints that send through this one.
  for (const auto& [key, other] : endpoints_) {
    if (!other->redirected || other->settings->key != ep->key) continue;
    other->early_until = other->parked_until;
    lock.after([self = shared_from_this(), other = other] {
      engine_lock again(self->mutex_);
      self->advance(other, again);
    });
  }
  lock.after([ended, reason = std::string(why)] {
    log::write(log::level::info, "endpoint resumed",
               {{"channel", ended.endpoint.channel},
                {"organization", ended.endpoint.organization},
                {"was", ended.code},
                {"why", reason}});
  });
}

void engine::end_pause_if_other(const endpoint_ptr& ep, engine_lock& lock, std::uint64_t fingerprint) {
  if (ep->pause && ep->pause->server_fingerprint != fingerprint) end_pause(ep, lock, "other settings are in force");
}

// Whatever keeps it from being tried now is tried anew, but for a server's own wish to be left alone for a while.
void engine::wake(const endpoint_ptr& ep, engine_lock& lock) {
  if (ep->pause) end_pause(ep, lock, "an operator retries");
  ep->early_not_before = 0;
  for (auto& [fingerprint, one] : ep->views) {
    if (one->state == view::phase::blocked) one->blocked_until = 0;
  }
  if (ep->state == endpoint::phase::failed && !draining_ && !stopped_) open(ep, lock);
  advance(ep, lock);
}

// --- other settings ---

void engine::settings_changed() {
  auto settings = parts_.settings();
  const std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
  for (const auto& [key, ep] : endpoints_) {
    control_.post([self = shared_from_this(), ep = ep] { self->review(ep); });
  }
}

// [control] What other settings mean for an endpoint that was opened, or could not be.
void engine::review(const endpoint_ptr& ep) {
  settings_ptr all;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || drained_ || ep->erased) return;
    all = settings_;
  }
  const auto found = all->endpoint(ep->key.channel, ep->key.organization);
  const auto settings = found ? *found : nullptr;
  engine_lock lock(mutex_);
  // What an organization's own part kept from being tried may work now.
  ep->early_until = ep->pause || ep->state == endpoint::phase::off ? 0 : ep->parked_until;
  ep->early_not_before = 0;
  const bool same = settings && ep->settings && settings->fingerprint == ep->settings->fingerprint &&
                    settings->key == ep->settings->key && settings->enabled == ep->settings->enabled &&
                    settings->problem == ep->settings->problem;
  for (auto& [fingerprint, one] : ep->views) {
    if (settings && one->settings->server_fingerprint == settings->server_fingerprint &&
        one->settings->plugin == settings->plugin) {
      one->retry = policy_of(all->retry(*one->settings));
      if (one->state == view::phase::blocked) one->blocked_until = 0;
    } else {
      one->stale = true;
    }
  }
  if (!same && ep->state != endpoint::phase::opening && (ep->state != endpoint::phase::closed || ep->pause)) {
    if (ep->settings) {
      const auto old = ep->views.find(ep->settings->fingerprint);
      if (old != ep->views.end()) old->second->stale = true;
    }
    // A channel that was switched off, or failed, has put off what waits.
    if (ep->state == endpoint::phase::off) ep->early_until = ep->parked_until;
    // What is placed is looked up anew.
    for (auto* waiting : ep->placed) {
      --waiting->through->placed;
      waiting->through = nullptr;
      ep->ready.push_back(waiting);
    }
    ep->placed.clear();
    open(ep, lock);
  }
  advance(ep, lock);
  feed(lock);
}

}  // namespace tocsin::delivery_engine
