// SPDX-License-Identifier: Apache-2.0
// A plugin's life: create, start, stop, destroy, and what is left after each.
#include "sdk/conformance/src/case.hpp"
#include "sdk/conformance/src/probe.hpp"

#include <thread>

namespace tocsin::conformance {
namespace {

constexpr std::chrono::milliseconds quiet{100};   // so long nothing may come
constexpr std::chrono::milliseconds ending{500};  // a joined thread is gone by then

void create_does_nothing(bench& on, const law& about) {
  const tocsin_entry* entry = on.entry();
  running plugin(on);
  const auto threads = threads_now();
  const auto descriptors = descriptors_now();
  if (on.own_process) forbid_threads_and_network(about);
  plugin.must_create();
  // Nobody waits for a thread to end here: create() makes none.
  if (const std::string left = threads_since(threads, {}); !left.empty())
    blackbox::breach(about, "create() made a thread: " + left);
  if (const std::string left = descriptors_since(descriptors); !left.empty())
    blackbox::breach(about, "create() opened " + left);
  static_cast<void>(entry);
}

void create_destroy(bench& on, const law&) {
  for (int round = 0; round < 3; ++round) {
    running plugin(on);
    plugin.must_create();
    plugin.destroy();
  }
}

void create_twice(bench& on, const law& about) {
  const auto first = start_plugin(on);
  const auto second = start_plugin(on);
  if (first->plugin() == second->plugin()) {
    blackbox::breach(about, "create() gave the same tocsin_plugin for two hosts");
    throw end_case{};
  }
  first->stop();
  first->destroy();
  open_and_close_all(*second, on.settings);
  const auto third = start_plugin(on);
  second->stop();
  open_and_close_all(*third, on.settings);
}

void start_stop_start(bench& on, const law&) {
  const auto plugin = start_plugin(on);
  for (int round = 0; round < 2; ++round) {
    open_and_close_all(*plugin, on.settings);
    plugin->stop();
    plugin->must_start();
  }
}

void stop_leaves_no_thread(bench& on, const law& about) {
  on.entry();
  const auto threads = threads_now();
  {
    const auto plugin = start_plugin(on);
    open_and_close_all(*plugin, on.settings);
    plugin->stop();
    // A service makes threads of its own, which are not this plugin's; without one they are told apart before
    // destroy().
    if (on.about.needs.empty()) {
      if (const std::string left = threads_since(threads, ending); !left.empty())
        blackbox::breach(about, "stop() left a thread behind: " + left);
    }
  }
  on.stop_services();
  if (const std::string left = threads_since(threads, ending); !left.empty())
    blackbox::breach(about, "a thread was left behind: " + left);
}

void no_call_after_stop(bench& on, const law&) {
  const auto plugin = start_plugin(on);
  open_and_close_all(*plugin, on.settings);
  plugin->stop();
  // The host itself says what came; here it is only given time to come.
  std::this_thread::sleep_for(quiet);
}

}  // namespace

case_table lifecycle_cases() {
  return {
      {"lifecycle.create-does-nothing", laws::create, create_does_nothing},
      {"lifecycle.create-destroy",
       {"an instance that was never started is destroyed without a trace", "tocsin/abi/plugin.h",
        "destroy [control] created, stopped"},
       create_destroy},
      {"lifecycle.create-twice",
       {"instances live beside each other, each with a host of its own", "tocsin/abi/entry.h", "create [control]"},
       create_twice},
      {"lifecycle.start-stop-start",
       {"a plugin that was stopped can be started again", "tocsin/abi/plugin.h", "start [control] created, stopped"},
       start_stop_start},
      {"lifecycle.stop-leaves-no-thread", laws::stop, stop_leaves_no_thread},
      {"lifecycle.no-call-after-stop", laws::stop, no_call_after_stop},
  };
}

}  // namespace tocsin::conformance
