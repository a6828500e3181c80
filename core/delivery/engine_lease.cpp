// What is due: leases from the backlog, sweeps of endpoints that may not send, and one timer an endpoint.
#include "core/delivery/engine.hpp"
#include "core/observe/log.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::delivery_engine {
namespace {

constexpr std::chrono::milliseconds store_retry_wait{1'000};
constexpr std::chrono::milliseconds idle_time = std::chrono::minutes{10};
constexpr std::uint32_t sweep_batch = 64;
// What is due goes by the wall clock, timers by one that stands still while the machine sleeps and does not follow when
// the time is set: no timer runs longer than this, so nothing is later than this.
constexpr std::chrono::milliseconds longest_timer{60'000};

}  // namespace

// The one place that decides what an endpoint does next. Called after whatever may have changed that.
void engine::advance(const endpoint_ptr& ep, engine_lock& lock) {
  if (stopped_ || draining_ || ep->erased) return;
  const auto at = now();
  if (ep->next_due && *ep->next_due <= at) {
    ep->next_due.reset();
    ep->due_known = false;
    ep->may_have_due = true;
  }
  if (!store_gone_) look_for_work(ep, lock, at);
  close_views(ep, lock, false);
  arm(ep, at);
}

void engine::look_for_work(const endpoint_ptr& ep, engine_lock& lock, time_ms at) {
  const bool wanted = ep->may_have_due || !ep->ready.empty() || !ep->placed.empty();
  const bool has_parked = ep->parked_until > at;
  const bool probe_due = ep->pause && !ep->probing && at >= ep->pause->probe_at && (wanted || has_parked);
  if (ep->state == endpoint::phase::opening) return;
  if (ep->state == endpoint::phase::closed) {
    if (wanted || probe_due || ep->early_until > at) open(ep, lock);
    return;
  }
  if (ep->state == endpoint::phase::failed && probe_due) {
    open(ep, lock);  // the probe of an endpoint that could not be opened is opening it
    return;
  }
  if (ep->leasing > 0 || at < ep->store_retry_at) return;
  if (ep->pause || ep->state == endpoint::phase::off) {
    if (probe_due && ep->state == endpoint::phase::open && (ep->may_have_due || has_parked)) {
      lease(ep, lock, lease_purpose::probe, 1, std::max(at, ep->parked_until));
    } else if (ep->may_have_due) {
      lease(ep, lock, lease_purpose::sweep, sweep_batch, at);
    }
    return;
  }
  if (at < ep->slow_until) return;
  const auto taken = std::max(ep->in_flight, ep->in_channel) + ep->reserved;
  const bool early = ep->early_until > at && at >= ep->early_not_before;
  if (!(ep->may_have_due || early) || taken >= ep->slots) return;
  if (ep->may_have_due && quota_hold(*ep, at)) return lease(ep, lock, lease_purpose::sweep, sweep_batch, at);
  const auto room = static_cast<std::uint32_t>(std::min<std::uint64_t>(ep->slots - taken, quota_left(*ep)));
  if (room == 0) return;
  const auto share = share_of(*ep);
  if (share < room) wait_for_share(ep, share);
  if (share > 0) lease(ep, lock, lease_purpose::send, std::min(room, share), early ? ep->early_until : at);
}

void engine::lease(const endpoint_ptr& ep, engine_lock& lock, lease_purpose why, std::uint32_t limit, time_ms due) {
  ep->leasing = limit;
  ep->lease_again = false;
  ep->last_used = now();
  if (why == lease_purpose::probe) ep->probing = true;
  if (why != lease_purpose::sweep) leasing_ += limit;
  ++under_way_;
  lock.after([self = shared_from_this(), ep, why, limit, due] {
    const auto until = self->now() + dispatcher::lease_time.count();
    self->parts_.store->lease({ep->key, limit, due, until},
                              [self, ep, why, limit, due](result<std::vector<leased_delivery>> got) {
                                self->on_leased(ep, why, limit, due, std::move(got));
                              });
  });
}

void engine::on_leased(const endpoint_ptr& ep, lease_purpose why, std::uint32_t limit, time_ms asked,
                       result<std::vector<leased_delivery>> got) {
  std::vector<ending> ended;
  hold put_off_for;
  std::vector<leased_delivery> swept;
  {
    engine_lock lock(mutex_);
    ep->leasing = 0;
    if (why != lease_purpose::sweep) leasing_ -= limit;
    --under_way_;  // and counted again, with the mutex still held, for what is settled
    if (!got) {
      if (why == lease_purpose::probe) ep->probing = false;
      lease_failed(ep, lock, got.error());
      feed(lock);
      look_if_drained(lock);
      return;
    }
    note_lease(ep, lock, got->size() < limit, asked);
    if (why == lease_purpose::probe && got->empty()) {
      ep->probing = false;
      ep->parked_until = 0;  // whoever waited is gone
    }
    if (draining_) {
      for (const auto& delivery : *got) ended.push_back(give_back(delivery, ep, now()));
    } else if (why == lease_purpose::sweep &&
               (ep->pause || ep->state == endpoint::phase::off || quota_hold(*ep, now()))) {
      put_off_for = hold_of(*ep);
      for (const auto& delivery : *got) ended.push_back(put_off(delivery, ep, put_off_for, now()));
    } else {
      for (auto& delivery : *got) {
        auto& added = take(std::move(delivery), *ep);
        added.probe = why == lease_purpose::probe && ep->pause.has_value();
        added.was_probe = added.probe;
        ep->ready.push_back(&added);
      }
      if (!got->empty()) start_pump(ep, lock);
    }
    count_settling(ended);
    if (ended.empty()) {
      advance(ep, lock);
      feed(lock);
      look_if_drained(lock);
    }
  }
  if (ended.empty()) return;
  settle(std::move(ended));
  engine_lock lock(mutex_);
  advance(ep, lock);
}

// all: the store had fewer than were asked for.
void engine::note_lease(const endpoint_ptr& ep, engine_lock& lock, bool all, time_ms asked) {
  if (!all) {
    ep->may_have_due = true;
    return;
  }
  if (asked >= ep->early_until) ep->early_until = 0;
  ep->may_have_due = ep->lease_again;
  if (!ep->may_have_due && !ep->due_known) ask_next_due(ep, lock);
}

void engine::lease_failed(const endpoint_ptr& ep, engine_lock& lock, const fault& why) {
  ep->may_have_due = true;
  if (why.code == "STORE_CLOSED" || why.code == "STORE_FAILED") {
    store_gone_ = true;
    return;
  }
  ep->store_retry_at = now() + store_retry_wait.count();
  if (const auto text = ep->log.failure(why.code, now()); text.write) {
    lock.after([key = ep->key, why] {
      log::write(
          log::level::error, "deliveries could not be fetched",
          {{"channel", key.channel}, {"organization", key.organization}, {"code", why.code}, {"why", why.to_string()}});
    });
  }
  advance(ep, lock);
}

// Settlements tell next_due what they put off when they are on disk (settled()); the store answers in order, so
// whatever this answer does not have yet is told after it.
void engine::ask_next_due(const endpoint_ptr& ep, engine_lock& lock) {
  ep->due_known = true;
  ++under_way_;
  lock.after([self = shared_from_this(), ep] {
    self->parts_.store->next_due(ep->key, [self, ep](result<std::optional<time_ms>> due) {
      engine_lock guard(self->mutex_);
      --self->under_way_;
      if (due) {
        ep->next_due = *due;
      } else {
        ep->due_known = false;
        ep->next_due = self->now() + store_retry_wait.count();
      }
      self->advance(ep, guard);
      self->look_if_drained(guard);
    });
  });
}

bool engine::idle(const endpoint& ep) const {
  return ep.in_flight == 0 && ep.reserved == 0 && ep.leasing == 0 && ep.in_channel == 0 && ep.opening_views == 0 &&
         ep.ready.empty() && ep.placed.empty() && !ep.pumping && !ep.may_have_due &&
         ep.state != endpoint::phase::opening;
}

// One timer: for whichever comes first of all that this endpoint waits for.
void engine::arm(const endpoint_ptr& ep, time_ms at) {
  std::optional<time_ms> wanted;
  const auto consider = [&](time_ms when) {
    if (when > at) wanted = wanted ? std::min(*wanted, when) : when;
  };
  if (ep->next_due) consider(*ep->next_due);
  if (ep->may_have_due || ep->early_until > at) {
    consider(ep->store_retry_at);
    consider(ep->slow_until);
    consider(ep->early_not_before);
  }
  if (ep->pause) consider(ep->pause->probe_at);
  arm_for_quota(*ep, consider, at);
  for (const auto& [fingerprint, one] : ep->views) {
    if (one->state == view::phase::blocked && one->placed > 0) consider(one->blocked_until);
  }
  if (idle(*ep)) consider(ep->last_used + idle_time.count());
  if (!wanted) {
    if (ep->timer != clock::timer::none) parts_.clock->cancel(ep->timer);
    ep->timer = clock::timer::none;
    return;
  }
  if (ep->timer != clock::timer::none) {
    if (ep->timer_at <= *wanted) return;  // too early does no harm
    parts_.clock->cancel(ep->timer);
  }
  ep->timer_at = std::min(*wanted, at + longest_timer.count());
  ep->timer = parts_.clock->after(std::chrono::milliseconds{ep->timer_at - at}, [weak = weak_from_this(), ep] {
    if (const auto self = weak.lock()) self->on_timer(ep);
  });
}

void engine::on_timer(const endpoint_ptr& ep) {
  engine_lock lock(mutex_);
  ep->timer = clock::timer::none;
  close_if_idle(ep, lock, now());
  start_pump(ep, lock);
  advance(ep, lock);
}

// What an endpoint still has to remember (when its next delivery is due, its pause) keeps it in memory; its connections
// end all the same.
void engine::close_if_idle(const endpoint_ptr& ep, engine_lock& lock, time_ms at) {
  if (stopped_ || draining_ || ep->erased || !idle(*ep) || at < ep->last_used + idle_time.count()) return;
  close_views(ep, lock, true);
  if (ep->next_due || ep->pause || !ep->views.empty() || ep->parked_until > at) return;
  if (ep->state == endpoint::phase::failed) return;
  ep->erased = true;
  endpoints_.erase(ep->key);
  if (!flights_.empty() || watch_ == clock::timer::none) return;
  parts_.clock->cancel(watch_);  // nobody has anything that it could watch
  watch_ = clock::timer::none;
}

hold engine::hold_of(const endpoint& ep) const {
  if (ep.pause) return {ep.pause->code, ep.pause->detail, true, {}};
  return quota_hold(ep, now()).value_or(hold{});
}

}  // namespace tocsin::delivery_engine
