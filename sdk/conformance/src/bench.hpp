// SPDX-License-Identifier: Apache-2.0
// What a case works with: the loaded plugin, hosts for it, its life, settings, chance and waiting.
#pragma once

#include "sdk/conformance/src/blackbox.hpp"
#include "sdk/conformance/src/host.hpp"
#include "sdk/conformance/src/lent.hpp"
#include "sdk/conformance/src/sinks.hpp"
#include "sdk/conformance/src/values.hpp"

#include <tocsin/abi/entry.h>
#include <tocsin/conformance/conformance.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::conformance {

// Thrown by a case: it does not apply.
struct skip_case {
  std::string why;
};
// Thrown by a case: a breach was written, and there is nothing to go on with.
struct end_case {};

// Calls into the plugin; an exception that crosses is a breach.
template <class Body>
auto call_plugin(const char* call, tocsin_thread_kind kind, Body&& body) {
  const blackbox::call_mark mark(call, kind);
  try {
    return body();
  } catch (...) {
    blackbox::breach(laws::survives, std::string("an exception crossed from ") + call + " into the host");
    throw end_case{};
  }
}
template <class Body>
auto control(const char* call, Body&& body) {
  return call_plugin(call, TOCSIN_THREAD_CONTROL, std::forward<Body>(body));
}

class running;

class bench {
 public:
  bench(const subject& about, const options& how, std::string_view case_name, std::string folder);
  ~bench();
  bench(const bench&) = delete;
  bench& operator=(const bench&) = delete;

  const subject about;
  const std::string folder;  // private to the case
  const std::string settings;
  const std::chrono::milliseconds limit;  // of one wait
  const std::set<int> threads;            // that were there before the plugin
  const bool own_process;
  std::mt19937_64 random;
  std::optional<std::uint64_t> sink_limit;  // of the kit's sinks

  bool provides(std::string_view id) const;
  // skip_case unless the manifest provides it.
  void need(std::string_view id) const;
  const tocsin_entry* entry();  // loads the library once; end_case if that cannot be
  const tocsin_entry* ask_for_entry_again();

  // Below `limit`, exclusive.
  std::uint64_t pick(std::uint64_t below) { return below == 0 ? 0 : random() % below; }

  // The services that the plugin requires, from the libraries that were given; started at the first call. skip_case if
  // one that it requires is not there.
  const std::map<std::string, offered_service, std::less<>>& services();
  void stop_services();
  bool has_all_services() const;

 private:
  const tocsin_entry* load(const library& from);  // the same library again asks it for its entry again
  const tocsin_entry* entry_ = nullptr;
  std::vector<std::unique_ptr<running>> providers_;
  std::map<std::string, offered_service, std::less<>> services_;
  bool services_started_ = false;
};

// One instance of a plugin with a host of its own.
class running {
 public:
  running(bench& on, host_plan plan = {}, std::string who = {});
  ~running();  // stops and destroys what still lives
  running(const running&) = delete;
  running& operator=(const running&) = delete;

  // False: it refused, and why() has its words. create() and start() answer for a plugin whose host is friendly with
  // must_create() and must_start(): a refusal is then a breach and ends the case.
  bool create(const tocsin_entry* entry = nullptr);
  bool start();
  void must_create();
  void must_start();
  void stop();
  void destroy();
  const std::string& why() const { return why_; }

  // Null: it does not offer it. The table's size and functions are checked by extensions.as-the-manifest-says.
  template <class Table>
  const Table* table(std::string_view id) {
    return static_cast<const Table*>(extension(id));
  }
  // The same for a case that is about this table: skip_case if the plugin does not offer it.
  template <class Table>
  const Table* need_table(std::string_view id) {
    if (const auto* offered = table<Table>(id)) return offered;
    throw skip_case{"the manifest names " + std::string(id) +
                    ", and the plugin has no table of it: see extensions.as-the-manifest-says"};
  }
  const void* extension(std::string_view id);

  // Waits until the condition holds. What it came to is told at the end: empty, it holds; else why it is waited for no
  // longer: its time is over, or nobody is left who could make it hold.
  std::string wait(const std::function<bool()>& condition);

  void* self() const { return plugin_->self; }
  const tocsin_plugin* plugin() const { return plugin_; }

  bench& on;
  kit_host& host;

 private:
  bool is_alone();

  const tocsin_plugin* plugin_ = nullptr;
  std::string why_;
};

// An instance that is created and started; skips where a required service is not there.
std::unique_ptr<running> start_plugin(bench& on, host_plan plan = {});

// Makes a [worker] call on the host's worker and waits for its return.
void on_worker(kit_host& host, const char* call, const std::function<void()>& body);

// Opens and closes once whatever the plugin offers to open, each with these settings. A refusal is fine; one without a
// reason is a breach.
void open_and_close_all(running& plugin, std::string_view settings);

// A status that is not TOCSIN_OK needs words, unless the sink took none.
void check_failure(tocsin_status status, const call_sink& error, const std::string& call);

}  // namespace tocsin::conformance
