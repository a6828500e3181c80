// tocsin.host.doctor/1: the stages that a diagnosis reports.
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

namespace tocsin {
namespace {

constexpr std::size_t max_facts_bytes = 64 * 1024;

// Null: the run is over, or there never was such a one.
std::shared_ptr<diagnosis_run> find_run(plugin_instance& instance, tocsin_token run) {
  auto found = instance.diagnoses.find(run.index);
  if (!found && !instance.diagnoses.known(run.index)) instance.misbehaves("it reported on a diagnosis that never was");
  return found;
}

void stage(void* context, tocsin_token run, const tocsin_stage* stage) {
  host_notice(context, allowed::running, "doctor.stage", [&](plugin_instance& instance) {
    const auto found = find_run(instance, run);
    if (!found || !stage) return;
    const argument_check check(instance, "doctor.stage");
    check.size("tocsin_stage", stage->struct_size, TOCSIN_ENDS_AFTER(tocsin_stage, code));
    const tocsin_stage known = abi::copy_known(stage);
    check.text("stage.stage", known.stage);
    check.text("stage.code", known.code);
    check.text("stage.facts", known.facts);
    diagnosis_stage shown;
    shown.stage = abi::name(known.stage);
    shown.ok = known.ok != 0;
    shown.code = abi::name(known.code);
    if (shown.code.empty() && shown.ok) shown.code = "OK";
    shown.detail = abi::line(known.detail);
    shown.duration_ms = known.duration_ms;
    if (known.facts.size <= max_facts_bytes) shown.facts = abi::text(known.facts, max_facts_bytes * 2);
    const std::string name = shown.stage;
    if (!found->report(std::move(shown))) instance.misbehaves("it reported a stage after the last one", name);
  });
}

void done(void* context, tocsin_token run) {
  host_notice(context, allowed::running, "doctor.done", [&](plugin_instance& instance) {
    const auto found = find_run(instance, run);
    if (found && !found->finish()) instance.misbehaves("it ended a diagnosis twice");
  });
}

}  // namespace

const tocsin_host_doctor host_doctor_table{sizeof(tocsin_host_doctor), 0, &stage, &done};

}  // namespace tocsin
