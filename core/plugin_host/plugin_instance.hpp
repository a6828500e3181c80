// One running plugin: everything that the host keeps for it. The `context` of its tocsin_host is one of these.
#pragma once

#include "core/model/code.hpp"
#include "core/model/manifest.hpp"
#include "core/plugin_host/calls/callback_gate.hpp"
#include "core/plugin_host/calls/control_thread.hpp"
#include "core/plugin_host/calls/plugin_call.hpp"
#include "core/plugin_host/calls/secret_store.hpp"
#include "core/plugin_host/extensions/diagnosis.hpp"
#include "core/plugin_host/extensions/http_calls.hpp"
#include "core/plugin_host/extensions/outstanding_deliveries.hpp"
#include "core/plugin_host/extensions/plugin_metrics.hpp"
#include "core/plugin_host/extensions/source_table.hpp"
#include "core/plugin_host/extensions/timer_table.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/plugin_host/plugin_tables.hpp"
#include "core/runtime/executor.hpp"
#include "core/runtime/thread_share.hpp"

#include <tocsin/abi/entry.h>
#include <tocsin/abi/host.h>
#include <tocsin/abi/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace tocsin {

// A service as another plugin offers it.
struct service_table {
  const void* table = nullptr;
  void* self = nullptr;
};
using service_map = std::map<std::string, service_table, std::less<>>;

// Made with make_instance() and never freed: a thread that a plugin leaves behind against the rules may still call the
// host through it, and is then turned away instead of touching freed memory.
struct plugin_instance {
  plugin_instance(manifest about_, plugin_host_services services_, const code_table& codes_, std::string build_id);

  const manifest about;
  const plugin_identity identity;  // under which its calls are on record
  const plugin_host_services services;
  const code_table& codes;

  tocsin_host host{};
  const tocsin_plugin* plugin = nullptr;
  plugin_tables tables;
  service_map required;  // what services.find() answers from; set before start()

  // Held for the length of each [control] call into the plugin, since these come one at a time. Nothing that a plugin
  // can call takes it.
  std::timed_mutex control;
  control_thread control_calls;      // where the [control] calls are made
  callback_gate into_plugin;         // open while active: calls of [worker] and [any]
  callback_gate into_host;           // open from create() until destroy() has returned
  callback_gate publications;        // open from start() until stop(); inside is what published() has not answered yet
  std::atomic<bool> running{false};  // from start() until stop() has returned

  // How long stop() waits for the answers to what was published.
  std::chrono::milliseconds answer_limit = std::chrono::seconds(2);

  serial_queue tasks;    // fired() and published() run here, one at a time
  thread_share workers;  // calls that may come for several things at once run here: on half of the pool at most
  timer_table timers;
  source_table sources;
  const source_table::entry_ptr own_events;  // stands for the plugin itself where it publishes
  outstanding_deliveries deliveries;
  diagnosis_table diagnoses;
  plugin_metrics metrics;
  secret_request_table secret_requests;
  http_call_table http_calls;

  // For the sinks of its calls: reports a write after the call, where the host is checked; else nothing.
  std::function<void()> late_sink(std::string_view call);

  // One line in the log; of many alike only some. call: the call of the host's in which it did so, where there is one;
  // concerns: what that call was about, to_text() of its subject.
  void misbehaves(std::string_view how, std::string detail = {}, std::string_view call = {}, std::string concerns = {});

  // True once for each code: the class of an outcome that bore it is not the one of the plugin's manifest. [any thread]
  bool is_new_disagreement(const std::string& code);

  // A call has not come back within its limit: reported once, and nothing of the host's calls the plugin any more.
  // [any thread]
  void hangs(std::string_view call, std::string about, std::chrono::milliseconds limit);
  bool is_hung() const { return hung_; }
  // It has started: calls may go into it, unless it was given up while it did.
  void open_unless_hung();
  std::string hung_reason() const;
  // Called once, after the report; set before create(). [any thread]
  std::function<void()> on_hung;

 private:
  std::atomic<bool> hung_{false};
  mutable std::mutex hung_mutex_;
  std::string hung_reason_;
  std::atomic<std::uint64_t> misdeeds_{0};
  std::mutex disagreements_mutex_;
  std::set<std::string> disagreements_;  // codes
};

plugin_instance& make_instance(manifest about, plugin_host_services services, const code_table& codes,
                               std::string build_id = {});

}  // namespace tocsin
