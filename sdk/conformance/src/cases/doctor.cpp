// SPDX-License-Identifier: Apache-2.0
// Diagnoses: stages in order, one end, endpoints that are not there.
#include "sdk/conformance/src/case.hpp"
#include "sdk/conformance/src/channel_bench.hpp"

#include <algorithm>

namespace tocsin::conformance {
namespace {

const tocsin_doctor* table_of(running& plugin) {
  plugin.on.need(TOCSIN_EXT_DOCTOR);
  const auto* table = plugin.need_table<tocsin_doctor>(TOCSIN_EXT_DOCTOR);
  if (table == nullptr) throw skip_case{"the plugin has no table for " TOCSIN_EXT_DOCTOR};
  return table;
}

// Begins one and waits for its end; false: it was refused.
bool diagnose(running& plugin, const tocsin_doctor* table, tocsin_token endpoint, std::string_view recipient) {
  kit_host& host = plugin.host;
  const tocsin_token run = host.runs.issue();
  {
    loan lent("doctor.diagnose");
    call_sink error(lent, "the error sink of doctor.diagnose", plugin.on.sink_limit);
    const auto* request =
        lent.put(tocsin_diagnosis{sizeof(tocsin_diagnosis), 0, run, endpoint, lent.text(recipient), nullptr});
    const tocsin_status status =
        control("doctor.diagnose", [&] { return table->diagnose(plugin.self(), request, error.raw()); });
    check_failure(status, error, "doctor.diagnose");
    if (status != TOCSIN_OK) {
      if (host.runs.answered(run))
        blackbox::breach(laws::stage, "diagnose() failed, and done() was called for it all the same");
      host.runs.answer(run);
      return false;
    }
  }
  if (const std::string why = plugin.wait([&] { return host.runs.answered(run); }); !why.empty()) {
    blackbox::breach(laws::stage, "done() was never called for a diagnosis that came in doctor.diagnose (" + why + ")",
                     "doctor.diagnose");
    throw end_case{};
  }
  return true;
}

void check_stages(const bench& on, const law& about, const std::vector<seen_stage>& seen) {
  std::size_t next = 0;
  for (std::size_t index = 0; index < seen.size(); ++index) {
    const seen_stage& one = seen[index];
    const auto found = std::find(on.about.stages.begin(), on.about.stages.end(), one.stage);
    if (found == on.about.stages.end()) {
      blackbox::breach(about, "it reported the stage " + shown(one.stage) + ", which the manifest's \"stages\" lack");
      continue;
    }
    const auto at = static_cast<std::size_t>(found - on.about.stages.begin());
    if (at < next)
      blackbox::breach(about, "it reported the stage " + shown(one.stage) + " after a later one, or twice");
    next = at + 1;
    if (one.ok != (one.code == "OK"))
      blackbox::breach(about, "the stage " + shown(one.stage) + " is " + (one.ok ? "good" : "bad") +
                                  " and has the code " + shown(one.code));
    if (!one.ok && index + 1 < seen.size())
      blackbox::breach(about, "a stage came after " + shown(one.stage) + " had failed");
  }
}

void reports_in_order_and_ends(bench& on, const law& about) {
  on.need(TOCSIN_EXT_DOCTOR);
  const auto plugin = start_plugin(on);
  const auto* table = table_of(*plugin);
  channel_bench channel(*plugin);
  const open_endpoint endpoint = channel.must_open();
  for (const char* recipient : {"", "someone@example.org", "no address\r\nat all"}) {
    const std::size_t before = plugin->host.stages().size();
    diagnose(*plugin, table, endpoint.token, recipient);
    auto stages = plugin->host.stages();
    stages.erase(stages.begin(), stages.begin() + static_cast<std::ptrdiff_t>(before));
    check_stages(on, about, stages);
  }
  channel.close(endpoint);
}

void unknown_endpoint(bench& on, const law&) {
  on.need(TOCSIN_EXT_DOCTOR);
  const auto plugin = start_plugin(on);
  const auto* table = table_of(*plugin);
  diagnose(*plugin, table, {0, 0}, "");
  diagnose(*plugin, table, {on.random(), on.random()}, "someone@example.org");
}

}  // namespace

case_table doctor_cases() {
  return {
      {"doctor.reports-in-order-and-ends", laws::stage, reports_in_order_and_ends},
      {"doctor.unknown-endpoint",
       {"a diagnosis of an endpoint that is not open fails with a reason, or ends like any other",
        "tocsin/abi/ext/doctor.h", "diagnose [control] active"},
       unknown_endpoint},
  };
}

}  // namespace tocsin::conformance
