// The engine as the bus sees it: slots kept, deliveries handed over, endpoints told to look.
#include "core/delivery/engine.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::delivery_engine {

namespace {

// The name under which the store remembers an endpoint's past pauses. No source can be called that.
constexpr const char* memory_source = "tocsin/endpoint";

std::string memory_name(const endpoint_key& key) { return "pauses " + key.channel + "\n" + key.organization; }

}  // namespace

engine::engine(dispatcher_parts parts)
    : parts_(std::move(parts)),
      control_(*parts_.pool),
      settler_(std::make_shared<settler>(*parts_.store, *parts_.clock)),
      settings_(parts_.settings ? parts_.settings() : nullptr) {}

void engine::start(const recovery& found, bool crashed) {
  auto settings = parts_.settings();
  {
    engine_lock lock(mutex_);
    settings_ = std::move(settings);
    message_host_ = found.message_host;
    crashed_ = crashed;
    for (const auto& pause : found.pauses) {
      const auto ep = get(pause.endpoint, lock);
      ep->pause = pause;
      ep->paused_by_open = pause.code == "SETTINGS_INVALID" || pause.code == "CHANNEL_UNKNOWN";
      ep->parked_until = now() + park_time.count();
      // Opened at once, because other settings may have come while the host was down, and end the pause.
      open(ep, lock);
    }
  }
  parts_.store->backlog([weak = weak_from_this()](result<std::vector<endpoint_backlog>> waiting) {
    const auto self = weak.lock();
    if (!self || !waiting) return;
    for (const auto& one : *waiting) {
      engine_lock lock(self->mutex_);
      const auto ep = self->get(one.endpoint, lock);
      ep->next_due = ep->next_due ? std::min(*ep->next_due, one.next_attempt) : one.next_attempt;
      self->advance(ep, lock);
    }
  });
}

endpoint_ptr engine::get(const endpoint_key& key, engine_lock& lock) {
  auto& found = endpoints_[key];
  if (found) return found;
  found = std::make_shared<endpoint>();
  found->key = key;
  found->last_used = now();
  // Answered before anything that is asked of the store from now on, so the first outcome finds it there.
  lock.after([self = shared_from_this(), ep = found] {
    self->parts_.store->recall(memory_source, memory_name(ep->key),
                               [weak = self->weak_from_this(), ep](result<std::string> remembered) {
                                 const auto locked = weak.lock();
                                 if (!locked || !remembered || remembered->empty()) return;
                                 const std::lock_guard guard(locked->mutex_);
                                 ep->pauses.add_text(*remembered);
                               });
    self->recall_quota(ep);
  });
  return found;
}

bool engine::reserve(const endpoint_key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = endpoints_.find(key);
  if (found == endpoints_.end()) return false;
  auto& ep = *found->second;
  if (!may_reserve(ep)) {
    ++ep.refused;
    return false;
  }
  ++ep.reserved;
  ++reserved_;
  return true;
}

// Not ahead of what waits already or is about to, and not where nothing may be tried now.
bool engine::may_reserve(const endpoint& ep) const {
  if (draining_ || stopped_ || store_gone_) return false;
  if (ep.state != endpoint::phase::open || ep.redirected || ep.pause) return false;
  if (ep.may_have_due || ep.leasing > 0 || ep.refused > 0) return false;
  const auto at = now();
  if (ep.slow_until > at || ep.early_until > at || (ep.next_due && *ep.next_due <= at)) return false;
  if (quota_left(ep) == 0) return false;
  return std::max(ep.in_flight, ep.in_channel) + ep.reserved < ep.slots && share_of(ep) > 0;
}

void engine::release(const endpoint_key& key) {
  engine_lock lock(mutex_);
  const auto found = endpoints_.find(key);
  if (found == endpoints_.end() || found->second->reserved == 0) return;
  --found->second->reserved;
  --reserved_;
  advance(found->second, lock);
  feed(lock);
  look_if_drained(lock);
}

flight& engine::take(leased_delivery delivery, endpoint& home) {
  const auto id = delivery.id;
  auto made = std::make_unique<flight>();
  made->delivery = std::move(delivery);
  made->home = &home;
  made->via = &home;
  ++home.in_flight;
  auto& slot = flights_[id];
  slot = std::move(made);
  return *slot;
}

void engine::hand_over(std::vector<leased_delivery> deliveries) {
  engine_lock lock(mutex_);
  for (auto& delivery : deliveries) {
    const auto ep = get(delivery.endpoint, lock);
    if (ep->reserved > 0) {
      --ep->reserved;
      --reserved_;
    }
    ep->ready.push_back(&take(std::move(delivery), *ep));
    start_pump(ep, lock);
  }
}

void engine::notify(const endpoint_key& key, std::uint32_t refused) {
  engine_lock lock(mutex_);
  const auto ep = get(key, lock);
  ep->refused -= std::min(ep->refused, refused);
  ep->may_have_due = true;
  if (ep->leasing > 0) ep->lease_again = true;
  advance(ep, lock);
}

void engine::forgo(const endpoint_key& key, std::uint32_t refused) {
  const std::lock_guard lock(mutex_);
  const auto found = endpoints_.find(key);
  if (found != endpoints_.end()) found->second->refused -= std::min(found->second->refused, refused);
}

void engine::retry(const endpoint_key& key) {
  engine_lock lock(mutex_);
  const auto ep = get(key, lock);
  if (ep->redirected && ep->settings->key != key) wake(get(ep->settings->key, lock), lock);
  ep->may_have_due = true;
  if (ep->leasing > 0) ep->lease_again = true;
  wake(ep, lock);
}

std::optional<endpoint_pause> engine::pause_of(const endpoint_key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = endpoints_.find(key);
  if (found == endpoints_.end()) return std::nullopt;
  const auto& ep = *found->second;
  if (ep.pause || !ep.redirected) return ep.pause;
  const auto via = endpoints_.find(ep.settings->key);
  return via == endpoints_.end() ? std::nullopt : via->second->pause;
}

void engine::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (auto* timer : {&watch_, &suspects_timer_}) {
    if (*timer != clock::timer::none) parts_.clock->cancel(*timer);
    *timer = clock::timer::none;
  }
  for (auto& [key, ep] : endpoints_) {
    if (ep->timer != clock::timer::none) parts_.clock->cancel(ep->timer);
    ep->timer = clock::timer::none;
  }
}

std::vector<dispatcher::endpoint_status> engine::endpoints() const {
  const std::lock_guard lock(mutex_);
  std::vector<dispatcher::endpoint_status> all;
  all.reserve(endpoints_.size());
  for (const auto& [key, ep] : endpoints_) all.push_back({key, ep->in_flight, ep->slots, ep->pause});
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return all;
}

}  // namespace tocsin::delivery_engine
