// Opens the new one first, holds the old one's queue, and lets the new one go on with it; until there is one, events
// wait.
#include "core/app/open_subscribers.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <span>
#include <utility>

#include "core/app/plugin_config.hpp"
#include "core/observe/log.hpp"

namespace tocsin::app {
namespace {

// For the call that a subscriber is in when its time is over. One that takes longer is closed when it comes back.
constexpr std::chrono::seconds call_limit{1};

void tell_left(const std::string& name) {
  log::write(log::level::warn, "subscriber does not come back from a call; it is left as it is",
             {{"subscriber", name}});
}

void tell_refused(const subscriber_settings& wanted, const fault& why, bool waits) {
  log::write(
      waits ? log::level::warn : log::level::error,
      waits ? "subscriber is tried again when the one before it has come back from a call" : "subscriber cannot run",
      {{"subscriber", wanted.name}, {"plugin", wanted.plugin}, {"why", why.to_string()}});
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
  subscription::handler take;
  if (port) take = [port](std::span<const event_ptr> events, std::uint64_t lost) { return port->take(events, lost); };
  return std::make_shared<subscription>(subscription_filter{wanted.types, wanted.minimum_severity, wanted.organization},
                                        pool_, std::move(take), losses);
}

void open_subscribers::expect(const settings& in_force) {
  for (const auto& wanted : in_force.subscribers()) known_[wanted.name].queue = make_queue(wanted, nullptr);
  tell_bus();
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
  if (opened) now.port = *opened;
  now.queue = make_queue(wanted, now.port);
  if (before.queue) before.queue->hand_over(now.queue);
  if (before.port && is_idle) before.port->close();
  if (before.port && !is_idle) close_when_back(wanted.name, before);
  now.waits = !opened && !wanted.problem && is_leaving(wanted.name);
  if (!opened) tell_refused(wanted, opened.error(), now.waits);
}

void open_subscribers::close_when_back(const std::string& name, const subscriber& one) {
  log::write(log::level::warn, "subscriber is still in a call; it is closed when it comes back",
             {{"subscriber", name}});
  leaving_.push_back({name, one.port, one.queue});
  one.queue->when_idle(came_back_);
}

bool open_subscribers::is_leaving(const std::string& name) const {
  return std::any_of(leaving_.begin(), leaving_.end(), [&name](const leaving_one& one) { return one.name == name; });
}

// False: it is in a call still, and open.
bool open_subscribers::close_one(const std::string& name, const subscriber& one, std::chrono::milliseconds limit) {
  std::uint64_t dropped = 0;
  const bool is_idle = one.queue->close(limit, dropped);
  if (dropped > 0) {
    log::write(log::level::warn, "subscriber was closed before it got all of its events",
               {{"subscriber", name}, {"lost", std::to_string(dropped)}});
  }
  if (is_idle && one.port) one.port->close();
  return is_idle;
}

void open_subscribers::tell_bus() {
  std::vector<subscription_ptr> all;
  for (const auto& [name, one] : known_) all.push_back(one.queue);
  bus_.set_subscriptions(std::move(all));
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
  tell_bus();
  for (const auto& [name, one] : gone)
    if (!close_one(name, one, call_limit)) close_when_back(name, one);
}

void open_subscribers::follow_up(const settings& in_force) {
  std::erase_if(leaving_, [](const leaving_one& one) {
    const bool is_back = one.queue->wait_until_idle(std::chrono::milliseconds{0});
    if (is_back) one.port->close();
    return is_back;
  });
  for (const auto& one : in_force.subscribers()) {
    const auto found = known_.find(one.name);
    if (found != known_.end() && found->second.waits && !is_leaving(one.name)) open(in_force, one);
  }
  tell_bus();
}

void open_subscribers::close() {
  bus_.set_subscriptions({});
  // No call begins any more, so that all have the same time to come back from theirs.
  for (const auto& [name, one] : known_) one.queue->hold(std::chrono::milliseconds{0});
  const auto end = std::chrono::steady_clock::now() + call_limit;
  const auto left = [end] {
    const auto now = std::chrono::steady_clock::now();
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(end - now), std::chrono::milliseconds{0});
  };
  for (const auto& [name, one] : known_)
    if (!close_one(name, one, left())) tell_left(name);
  for (const leaving_one& one : leaving_) {
    if (one.queue->wait_until_idle(left())) {
      one.port->close();
    } else {
      one.queue->when_idle(nullptr);
      tell_left(one.name);
    }
  }
  known_.clear();
  leaving_.clear();
}

std::map<std::string, std::uint64_t> open_subscribers::losses() const {
  std::map<std::string, std::uint64_t> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, losses] : losses_) all.emplace(name, *losses);
  return all;
}

}  // namespace tocsin::app
