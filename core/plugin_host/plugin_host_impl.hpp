// What the parts of the plugin host share: what is known of each file, which plugins run, and what is open of them.
#pragma once

#include "core/plugin_host/calls/call_watchdog.hpp"
#include "core/plugin_host/calls/channel_adapter.hpp"
#include "core/plugin_host/calls/plugin_health.hpp"
#include "core/plugin_host/calls/source_requests.hpp"
#include "core/plugin_host/containment/containment.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/plugin_host/plugin_instance.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tocsin {

struct plugin_host::impl {
  struct active_plugin {
    plugin_instance* instance = nullptr;
    std::shared_ptr<channel_adapter> channel;  // null: it is no channel
    std::size_t index = 0;                     // in `infos`
    std::string sha256;                        // of its file; empty: nothing is kept of it
    std::uint64_t times = 1;                   // how many starts in a row have tried it
  };

  impl(plugin_host_services given, std::vector<plugin_info> discovered)
      : services(std::move(given)), infos(std::move(discovered)) {
    health = std::make_unique<health_monitor>(
        *services.pool, *services.clock,
        [this](plugin_instance& instance, const plugin_health& now) { note_health(instance, now); });
    watchdog =
        std::make_unique<call_watchdog>(services, [this](const call_record& overdue) { report_overdue(overdue); });
    for (const plugin_info& info : infos)
      if (info.state == plugin_state::verified) codes.add(info.manifest.codes);
  }

  // What is known of a plugin changes here only. [control]
  void set_state(std::size_t index, plugin_state state, std::string reason = {});
  void fail(std::size_t index, const fault& why);
  // [any thread]
  void note_health(const plugin_instance& instance, const plugin_health& now);

  void start(const std::function<bool(const manifest&)>& needed);
  result<void> start_one(std::size_t index, std::span<const manifest* const> known, std::span<const std::size_t> at,
                         admitted_plugin admitted, containment& gate);
  // The tables of what a plugin requires; a fault names the plugin that should offer it and does not run.
  result<service_map> find_services(std::size_t index, std::span<const manifest* const> known,
                                    std::span<const std::size_t> at) const;
  void stop(std::chrono::milliseconds limit);
  // A call into it hangs. [any thread]
  void give_up(std::size_t index, plugin_instance& instance);
  // A call of [worker] or [any] is overdue. [any thread]
  void report_overdue(const call_record& overdue);
  fault why_it_migrates_nothing(const std::string& id) const;
  // The instances that hang, and those whose services they may be within.
  std::set<const plugin_instance*> kept() const;

  // Nothing: it does not run. Without the mutex.
  std::optional<active_plugin> find(const std::string& id) const;
  plugin_instance* find_instance(const std::string& id) const;

  const plugin_host_services services;
  mutable std::mutex mutex;  // guards infos and active against readers on other threads
  std::vector<plugin_info> infos;
  std::map<std::string, active_plugin> active;
  std::vector<plugin_instance*> hung;
  std::vector<plugin_instance*> instances;     // every one that was made
  std::vector<std::string> started;            // ids, in order
  std::map<std::string, std::string> sources;  // name -> plugin id
  source_requests requests;
  code_table codes;
  std::unique_ptr<call_watchdog> watchdog;
  std::unique_ptr<health_monitor> health;
};

}  // namespace tocsin
