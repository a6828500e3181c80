// The subscribers of the settings in force: one whose settings change is replaced, and no event is lost by that.
#pragma once

#include "core/app/open_sources.hpp"
#include "core/bus/bus.hpp"
#include "core/bus/subscription.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/runtime/executor.hpp"
#include "core/settings/settings.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace tocsin::app {

// The functions are for one thread at a time, as the plugin host's, but for losses().
class open_subscribers {
 public:
  open_subscribers(plugin_host& plugins, bus& bus, executor& pool) : plugins_(plugins), bus_(bus), pool_(pool) {}

  // The bus hands out copies by these settings from now on.
  void follow(const settings& in_force, refused_ones refused);
  void close();

  // By name: how many events it did not get, of those that it asked for. [any thread]
  std::map<std::string, std::uint64_t> losses() const;

 private:
  struct subscriber {
    std::uint64_t fingerprint = 0;  // of its settings
    subscriber_ptr port;            // null: it is not open, since they cannot work or its plugin refused them
    subscription_ptr queue;         // without a port: of one that was open before, and takes what comes
  };

  void open(const settings& in_force, const subscriber_settings& wanted);
  result<subscriber_ptr> open_port(const settings& in_force, const subscriber_settings& wanted);
  subscription_ptr make_queue(const subscriber_settings& wanted, const subscriber_ptr& port);
  static void close_one(const std::string& name, const subscriber& one);

  plugin_host& plugins_;
  bus& bus_;
  executor& pool_;
  std::map<std::string, subscriber> known_;  // by name
  mutable std::mutex mutex_;                 // guards what follows
  std::map<std::string, loss_counter> losses_;
};

}  // namespace tocsin::app
