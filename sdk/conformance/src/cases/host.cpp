// SPDX-License-Identifier: Apache-2.0
// Hosts that are not as the plugin's author had them: without an extension, newer, older, out of memory.
#include "sdk/conformance/src/case.hpp"

#include <tocsin/abi/ext/health.h>

namespace tocsin::conformance {
namespace {

host_plan lacking(const std::string& id) {
  host_plan plan;
  plan.missing.insert(id);
  return plan;
}

host_plan with_older(const std::string& id) {
  host_plan plan;
  plan.older.insert(id);
  return plan;
}

// A whole life in a host that may lack what the plugin wants: a refusal is fine, a crash is not.
void live(bench& on, host_plan plan) {
  const auto services = on.has_all_services() ? on.services() : std::map<std::string, offered_service, std::less<>>{};
  running plugin(on, std::move(plan));
  plugin.host.services = services;
  if (!plugin.create() || !plugin.start()) return;
  open_and_close_all(plugin, on.settings);
}

void missing_extensions(bench& on, const law&) {
  host_plan none;
  for (const std::string& id : kit_host::extensions()) {
    none.missing.insert(id);
    live(on, lacking(id));
  }
  live(on, none);
}

void newer(bench& on, const law&) {
  host_plan plan;
  plan.newer = true;
  const auto plugin = start_plugin(on, plan);
  open_and_close_all(*plugin, on.settings);
}

void older(bench& on, const law&) {
  host_plan all;
  for (const std::string& id : kit_host::extensions()) {
    all.older.insert(id);
    live(on, with_older(id));
  }
  live(on, all);
}

void out_of_memory(bench& on, const law&) {
  host_plan bare;
  for (const std::string& id : kit_host::extensions()) bare.missing.insert(id);
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1}, 2 + on.pick(40)}) {
    on.sink_limit = bytes;
    live(on, bare);
    if (!on.has_all_services()) continue;
    running plugin(on);
    plugin.host.services = on.services();
    if (!plugin.create() || !plugin.start()) continue;
    for (const char* settings : {"{}", "[]", "", "{\"\":"}) open_and_close_all(plugin, settings);
    const auto* health = on.provides(TOCSIN_EXT_HEALTH) ? plugin.table<tocsin_health>(TOCSIN_EXT_HEALTH) : nullptr;
    if (health == nullptr) continue;
    loan lent("health.check");
    call_sink text(lent, "the text sink of health.check", bytes);
    on_worker(plugin.host, "health.check", [&] { health->check(plugin.self(), text.raw()); });
  }
}

}  // namespace

case_table host_cases() {
  return {
      {"host.missing-extensions",
       {"a host may lack any extension: the plugin does without it, or fails with a reason", "tocsin/abi/host.h",
        "get_extension [any]"},
       missing_extensions},
      {"host.newer",
       {"a newer host's structs are larger than the plugin knows, and that is no fault", "tocsin/abi/types.h",
        "struct_size"},
       newer},
      {"host.older",
       {"a field is there only if struct_size covers it", "tocsin/abi/types.h", "TOCSIN_HAS_FIELD"},
       older},
      {"sink.out-of-memory", laws::sink, out_of_memory},
  };
}

}  // namespace tocsin::conformance
