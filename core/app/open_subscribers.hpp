// The subscribers of the settings in force: one whose settings change is replaced, and no event is lost by that.
#pragma once

#include "core/app/open_sources.hpp"
#include "core/bus/bus.hpp"
#include "core/bus/subscription.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/runtime/executor.hpp"
#include "core/settings/settings.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::app {

// The functions are for one thread at a time, as the plugin host's, but for losses().
class open_subscribers {
 public:
  // came_back: called on any thread when follow_up() has something to do.
  open_subscribers(plugin_host& plugins, bus& bus, executor& pool, std::function<void()> came_back)
      : plugins_(plugins), bus_(bus), pool_(pool), came_back_(std::move(came_back)) {}

  // Once, before plugins run: what the bus takes from now on waits for those that follow() opens.
  void expect(const settings& in_force);
  // The bus hands out copies by these settings from now on.
  void follow(const settings& in_force, refused_ones refused);
  // Closes those that were in a call when their time was over and have come back, and opens what may have waited for
  // it.
  void follow_up(const settings& in_force);
  void close();

  // By name: how many events it did not get, of those that it asked for. [any thread]
  std::map<std::string, std::uint64_t> losses() const;

 private:
  struct subscriber {
    std::optional<std::uint64_t> fingerprint;  // of the settings that were tried
    subscriber_ptr port;     // null: it is not open, since they cannot work or its plugin refused them
    subscription_ptr queue;  // without a port: where events wait until it can run
    bool waits = false;  // it was refused while one of its name had not left a call: it may be open once that is closed
  };
  // Its time is over, but a call into it has not come back.
  struct leaving_one {
    std::string name;
    subscriber_ptr port;
    subscription_ptr queue;
  };

  void open(const settings& in_force, const subscriber_settings& wanted);
  result<subscriber_ptr> open_port(const settings& in_force, const subscriber_settings& wanted);
  subscription_ptr make_queue(const subscriber_settings& wanted, const subscriber_ptr& port);
  bool close_one(const std::string& name, const subscriber& one, std::chrono::milliseconds limit);
  void close_when_back(const std::string& name, const subscriber& one);
  bool is_leaving(const std::string& name) const;
  void tell_bus();

  plugin_host& plugins_;
  bus& bus_;
  executor& pool_;
  const std::function<void()> came_back_;
  std::map<std::string, subscriber> known_;  // by name
  std::vector<leaving_one> leaving_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, loss_counter> losses_;
};

}  // namespace tocsin::app
