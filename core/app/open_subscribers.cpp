// Opens the new one first, holds the old one's queue, and lets the new one go on with it.
#include "core/app/open_subscribers.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

#include "core/app/plugin_config.hpp"
#include "core/observe/log.hpp"

namespace tocsin::app {
namespace {

constexpr std::chrono::seconds call_limit{1};  // for the call that a subscriber is in when it is closed

void tell_left(const std::string& name) {
  log::write(log::level::warn, "subscriber does not come back from a call; it is left as it is",
             {{"subscriber", name}});
}

}  // namespace

result<subscriber_ptr> open_subscribers::open_port(const settings& in_force, const subscriber_settings& wanted) {
  if (auto problem = problem_of(plugins_, in_force, "subscribers", wanted)) return std::move(*problem);
  return plugins_.open_subscriber(wanted.plugin,
                                  {.name = wanted.name, .settings = boost::json::serialize(wanted.settings)});
}

subscription_ptr open_subscribers::make_queue(const subscriber_settings& wanted, const subscriber_ptr& port) {
  const std::lock_guard lock(mutex_);
  loss_counter& losses = losses_[wanted.name];
  if (!losses) losses = std::make_shared<std::atomic<std::uint64_t>>(0);
  return std::make_shared<subscription>(
      subscription_filter{wanted.types, wanted.minimum_severity, wanted.organization}, pool_,
      [port](std::span<const event_ptr> events, std::uint64_t lost) { return port->take(events, lost); }, losses);
}

void open_subscribers::open(const settings& in_force, const subscriber_settings& wanted) {
  subscriber before = std::exchange(known_[wanted.name], {});
  auto opened = open_port(in_force, wanted);
  // What the bus hands out from here on waits for the one that comes next.
  const bool is_idle = !before.queue || before.queue->hold(call_limit);
  if (!opened && !wanted.problem && before.port && is_idle) {  // it may want something that only one can have
    std::exchange(before.port, nullptr)->close();
    opened = open_port(in_force, wanted);
  }
  subscriber& now = known_[wanted.name];
  now.fingerprint = wanted.fingerprint;
  if (opened) {
    now.port = *opened;
    now.queue = make_queue(wanted, now.port);
    if (before.queue) before.queue->hand_over(now.queue);
  } else {
    now.queue = before.queue;  // where events wait until it can run again
    log::write(log::level::error, "subscriber cannot run",
               {{"subscriber", wanted.name}, {"plugin", wanted.plugin}, {"why", opened.error().to_string()}});
  }
  if (before.port && is_idle) before.port->close();
  if (before.port && !is_idle) tell_left(wanted.name);
}

void open_subscribers::close_one(const std::string& name, const subscriber& one) {
  if (!one.queue) return;
  std::uint64_t dropped = 0;
  const bool is_idle = one.queue->close(call_limit, dropped);
  if (dropped > 0) {
    log::write(log::level::warn, "subscriber was closed before it got all of its events",
               {{"subscriber", name}, {"lost", std::to_string(dropped)}});
  }
  if (!is_idle) return tell_left(name);
  if (one.port) one.port->close();
}

void open_subscribers::follow(const settings& in_force, refused_ones refused) {
  const auto& wanted = in_force.subscribers();
  std::map<std::string, subscriber> gone;
  for (auto at = known_.begin(); at != known_.end();) {
    const auto here = at++;
    const bool stays =
        std::any_of(wanted.begin(), wanted.end(), [&](const auto& one) { return one.name == here->first; });
    if (!stays) gone.insert(known_.extract(here));
  }
  for (const auto& one : wanted) {
    const auto found = known_.find(one.name);
    const bool same = found != known_.end() && found->second.fingerprint == one.fingerprint;
    if (same && (found->second.port || refused == refused_ones::left)) continue;
    open(in_force, one);
  }
  std::vector<subscription_ptr> all;
  for (const auto& [name, one] : known_)
    if (one.queue) all.push_back(one.queue);
  bus_.set_subscriptions(std::move(all));
  for (const auto& [name, one] : gone) close_one(name, one);
}

void open_subscribers::close() {
  bus_.set_subscriptions({});
  for (const auto& [name, one] : known_) close_one(name, one);
  known_.clear();
}

std::map<std::string, std::uint64_t> open_subscribers::losses() const {
  std::map<std::string, std::uint64_t> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, losses] : losses_) all.emplace(name, *losses);
  return all;
}

}  // namespace tocsin::app
