// From a leased delivery to its channel: which view it goes through, rendering, hand-over.
#include "core/delivery/engine.hpp"
#include "core/observe/log.hpp"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

namespace tocsin::delivery_engine {

// At most one pump an endpoint runs at a time, so that a channel's deliver() calls for it come one at a time.
void engine::start_pump(const endpoint_ptr& ep, engine_lock& lock) {
  if (ep->pumping || stopped_ || (ep->ready.empty() && ep->placed.empty())) return;
  ep->pumping = true;
  lock.after([self = shared_from_this(), ep] { self->parts_.pool->post([self, ep] { self->pump(ep); }); });
}

// [pool]
void engine::pump(const endpoint_ptr& ep) {
  while (true) {
    std::vector<flight*> fresh;
    std::vector<ending> ended;
    settings_ptr settings;
    {
      engine_lock lock(mutex_);
      const bool waits = ep->state == endpoint::phase::closed || ep->state == endpoint::phase::opening;
      if (!waits && !draining_) fresh.swap(ep->ready);
      settings = settings_;
    }
    auto found = resolve(ep, std::move(fresh), *settings);
    std::vector<flight*> sendable;
    bool more = true;
    {
      engine_lock lock(mutex_);
      place(ep, std::move(found), lock, ended);
      if (draining_) give_back_all(*ep, ended);
      count_settling(ended);
      sendable = take_sendable(*ep);
      if (sendable.empty() && ended.empty()) {
        const bool waits = ep->state == endpoint::phase::closed || ep->state == endpoint::phase::opening;
        more = !ep->ready.empty() && !waits;
        if (!more) {
          ep->pumping = false;
          advance(ep, lock);
          look_if_drained(lock);
        }
      }
    }
    if (!more) return;
    if (!ended.empty()) settle(std::move(ended));
    if (!sendable.empty()) send(std::move(sendable));
  }
}

// What is in force now for each delivery's organization. Without the mutex: settings may have to be worked out.
std::vector<engine::resolved_flight> engine::resolve(const endpoint_ptr& ep, std::vector<flight*> flights,
                                                     const tocsin::settings& from) {
  std::vector<resolved_flight> all;
  all.reserve(flights.size());
  for (auto* one : flights) {
    if (!all.empty() && all.back().what->delivery.organization == one->delivery.organization) {
      all.push_back({one, all.back().settings});
    } else {
      all.push_back({one, from.endpoint(ep->key.channel, one->delivery.organization)});
    }
  }
  return all;
}

void engine::place(const endpoint_ptr& ep, std::vector<resolved_flight> flights, engine_lock& lock,
                   std::vector<ending>& ended) {
  const auto at = now();
  for (auto& [what, settings] : flights) {
    auto& delivery = what->delivery;
    if (draining_) {
      ep->ready.push_back(what);
    } else if (delivery.expires && at >= *delivery.expires) {
      const hold expired{};  // put_off() sees by itself that its time has run out
      ended.push_back(remove(*what, &expired, at));
    } else if (is_about_itself(*what, *ep)) {
      ended.push_back(keep_off(*what, at));
    } else if (!settings) {
      const hold unknown{settings.error().code, settings.error().to_string(), true, view_wait({})};
      ended.push_back(remove(*what, &unknown, at));
    } else if ((*settings)->key != ep->key) {
      // What is in force now sends it through another endpoint.
      const auto via = get((*settings)->key, lock);
      what->via = via.get();
      if (what->probe) drop_probe(*ep, at);
      what->probe = false;
      via->ready.push_back(what);
      start_pump(via, lock);
      advance(via, lock);
    } else if (ep->state == endpoint::phase::closed || ep->state == endpoint::phase::opening) {
      ep->ready.push_back(what);
    } else if (is_suspect(delivery) && delivery.interrupted >= most_interruptions) {
      ended.push_back(blame_plugin(*what, (*settings)->plugin, at));
    } else if ((ep->pause && !what->probe) || ep->state == endpoint::phase::off ||
               ep->state == endpoint::phase::failed) {
      const auto why = hold_of(*ep);
      ended.push_back(remove(*what, &why, at));
    } else if (const auto used_up = quota_hold(*ep, at); used_up && !what->probe) {
      ended.push_back(remove(*what, &*used_up, at));
    } else if (!(*settings)->enabled) {
      const hold off{{}, {}, false, view_wait(std::chrono::milliseconds{at - delivery.created})};
      ended.push_back(remove(*what, &off, at));
    } else {
      what->through = &view_of(ep, *settings, lock);
      ++what->through->placed;
      ep->placed.push_back(what);
    }
  }
  // What was placed before a pause, a refused view, or the day's last message.
  const bool held = ep->pause || quota_hold(*ep, at);
  std::erase_if(ep->placed, [&](flight* what) {
    auto& through = *what->through;
    if (what->delivery.expires && at >= *what->delivery.expires) {
      const hold expired{};  // as above
      ended.push_back(remove(*what, &expired, at));
      return true;
    }
    const bool blocked = through.state == view::phase::blocked;
    if (!blocked && (!held || what->probe)) return false;
    const auto age = std::chrono::milliseconds{at - what->delivery.created};
    const auto why =
        blocked ? hold{through.problem.code, through.problem.to_string(), true, view_wait(age)} : hold_of(*ep);
    ended.push_back(remove(*what, &why, at));
    return true;
  });
}

std::vector<flight*> engine::take_sendable(endpoint& ep) {
  std::vector<flight*> taken;
  if (ep.state != endpoint::phase::open || draining_) return taken;
  bool alone = false;
  std::erase_if(ep.placed, [&](flight* what) {
    auto& through = *what->through;
    if (alone || through.state != view::phase::open || through.in_channel >= through.slots ||
        ep.in_channel >= ep.slots || !quota_lets_go(ep)) {
      return false;
    }
    if (is_suspect(what->delivery)) {
      if (!taken.empty()) return false;  // in the next round, by itself
      if (!may_hand_over()) {
        wait_for_suspect(ep.shared_from_this());
        return false;
      }
      hand_over_alone(*what);
      alone = true;
    }
    --through.placed;
    ++through.in_channel;
    ++ep.in_channel;
    ep.quota.begin(1, parts_.clock->monotonic());
    what->in_channel = true;
    taken.push_back(what);
    return true;
  });
  return taken;
}

namespace {

// What makes two deliveries of a batch look the same to their readers.
using look = std::tuple<const event*, std::string_view, std::string_view, std::string_view>;

outcome render_failed(const leased_delivery& delivery, std::string why) {
  outcome how;
  how.delivery = delivery.id;
  how.attempt = delivery.attempts + 1;
  how.outcome_class = outcome_class::permanent;
  how.code = "RENDER_FAILED";
  how.detail = log::redact(std::move(why));
  return how;
}

constexpr const char* unreadable =
    "The event's payload cannot be read: it was erased, damaged on the disk, or sealed with a key that is not the one "
    "in "
    "store.key.";

outgoing_message message_of(const flight& what) {
  const auto& delivery = what.delivery;
  outgoing_message message;
  message.delivery = delivery.id;
  message.attempt = delivery.attempts + 1;
  message.endpoint = what.through->token;
  message.recipient = delivery.recipient;
  message.organization = delivery.organization;
  message.language = delivery.language;
  message.message_id = delivery.message_id;
  message.created = delivery.created;
  message.payload = delivery.payload;
  return message;
}

}  // namespace

// [pool] A flight that was handed to the channel, or given to complete(), may be gone at once; none is touched after.
// Until then those that are marked in_channel belong to this call alone.
void engine::send(std::vector<flight*> flights) {
  settings_ptr settings;
  {
    const std::lock_guard lock(mutex_);
    settings = settings_;
  }
  std::map<look, result<rendered_parts>> rendered;
  std::map<std::shared_ptr<channel_port>, std::vector<outgoing_message>> batches;
  std::vector<outcome> failed;
  for (const auto* what : flights) {
    const auto& delivery = what->delivery;
    if (delivery.payload == nullptr) {
      failed.push_back(render_failed(delivery, unreadable));
      continue;
    }
    const auto& port = what->through->port;
    const look key{delivery.payload.get(), delivery.language, delivery.template_name, what->through->settings->plugin};
    auto found = rendered.find(key);
    if (found == rendered.end()) {
      render_request request;
      request.event = delivery.payload.get();
      request.template_name = delivery.template_name;
      request.language = delivery.language;
      request.time_zone = settings->organization(delivery.organization).time_zone;
      request.organization = delivery.organization;
      const auto wanted = [&](std::string_view part) { return port->wants(part); };
      found = rendered.emplace(key, parts_.renderer->render(request, wanted)).first;
    }
    if (!found->second) {
      failed.push_back(render_failed(delivery, found->second.error().to_string()));
      continue;
    }
    auto& message = batches[port].emplace_back(message_of(*what));
    message.parts = *found->second;
  }
  rendered.clear();  // its keys look into the flights
  note_handed_over(flights);
  if (!failed.empty()) complete(std::move(failed));
  for (auto& [port, messages] : batches) port->deliver(messages);
}

// Draining: nothing begins any more.
void engine::give_back_all(endpoint& ep, std::vector<ending>& ended) {
  const auto at = now();
  for (auto* what : ep.ready) ended.push_back(remove(*what, nullptr, at));
  ep.ready.clear();
  for (auto* what : ep.placed) ended.push_back(remove(*what, nullptr, at));
  ep.placed.clear();
}

}  // namespace tocsin::delivery_engine
