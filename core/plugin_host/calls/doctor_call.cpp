// Opens the endpoint for a diagnosis, waits for its stages, closes it.
#include "core/plugin_host/calls/doctor_call.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"
#include "core/plugin_host/calls/channel_adapter.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace tocsin {
namespace {

constexpr std::string_view settings_stage = "settings";

// The stages so far; each is shown as it comes.
class record {
 public:
  explicit record(const doctor_request& request) : request_(request) {}

  void add(diagnosis_stage stage) {
    if (request_.on_stage) request_.on_stage(stage);
    stages_.push_back(std::move(stage));
  }
  void fail_settings(std::string code, std::string detail) {
    add({std::string(settings_stage), false, std::move(code), std::move(detail), 0, {}});
  }
  void pass_settings() { add({std::string(settings_stage), true, "OK", "checked against the plugin's schema", 0, {}}); }
  const std::vector<diagnosis_stage>& stages() const { return stages_; }
  std::vector<diagnosis_stage> take() { return std::move(stages_); }

 private:
  const doctor_request& request_;
  std::vector<diagnosis_stage> stages_;
};

// Which stage was under way when the time ran out: the one after the last that was reported.
std::string stage_under_way(const manifest& about, const std::vector<diagnosis_stage>& reported) {
  const auto& all = about.stages;
  auto next = all.begin();
  for (const diagnosis_stage& stage : reported) {
    const auto found = std::find(all.begin(), all.end(), stage.stage);
    if (found != all.end()) next = found + 1;
  }
  return next == all.end() ? std::string("diagnosis") : *next;
}

// Owns what the call needs, which may outlive the request.
struct begin_call {
  std::string channel;
  std::string recipient;
  std::vector<outgoing_message> messages;  // one, or none
  endpoint_token endpoint;
  std::uint64_t number = 0;
};

result<void> begin_now(plugin_instance& instance, const begin_call& request) {
  const auto& [channel, recipient, messages, endpoint, number] = request;
  const abi::message_batch batch(messages);
  tocsin_diagnosis diagnosis{};
  diagnosis.struct_size = sizeof(diagnosis);
  diagnosis.run = {number, 1};
  diagnosis.endpoint = {endpoint.index, endpoint.generation};
  diagnosis.recipient = abi::borrow(recipient);
  diagnosis.message = batch.size() == 1 ? batch.data()[0] : nullptr;
  const std::lock_guard control(instance.control);
  const auto pass = instance.into_plugin.enter();
  if (!pass) return fault{"CHANNEL_UNKNOWN", "The plugin " + instance.about.id + " is stopping.", {}, {}};
  abi::gathering_sink reason(instance.late_sink("doctor.diagnose"));
  const plugin_call call(instance, "doctor.diagnose", call_thread::control, {.kind = "channel", .name = channel});
  const tocsin_status status = instance.tables.doctor->diagnose(instance.plugin->self, &diagnosis, reason.raw());
  if (status == TOCSIN_OK) return {};
  return fault{
      "SETTINGS_INVALID", reason.words("The plugin cannot diagnose this endpoint and gave no reason."), {}, {}};
}

result<void> begin(plugin_instance& instance, const doctor_request& request, endpoint_token endpoint,
                   std::uint64_t number) {
  begin_call call{request.settings.key.channel, request.recipient, {}, endpoint, number};
  if (request.message) {
    call.messages.push_back(*request.message);
    call.messages.front().endpoint = endpoint;
  }
  return call_bounded<void>(instance, "doctor.diagnose", "channel " + request.settings.key.channel,
                            [&instance, call = std::move(call)] { return begin_now(instance, call); });
}

// Until the run is over or the limit has passed.
void follow(plugin_instance& instance, const doctor_request& request, diagnosis_run& run, record& seen) {
  while (auto stage = run.next()) {
    if (seen.stages().empty() && stage->stage != settings_stage) seen.pass_settings();
    seen.add(std::move(*stage));
  }
  if (seen.stages().empty()) seen.pass_settings();
  if (!run.timed_out() || !seen.stages().back().ok) return;
  const auto waited = std::chrono::duration_cast<std::chrono::seconds>(request.limit).count();
  seen.add({stage_under_way(instance.about, seen.stages()),
            false,
            "COMMAND_TIMEOUT",
            "no result within " + std::to_string(waited) + " s",
            static_cast<std::uint64_t>(std::max<std::int64_t>(request.limit.count(), 0)),
            {}});
}

}  // namespace

std::vector<diagnosis_stage> run_doctor(plugin_instance* instance, const std::string& reason,
                                        const doctor_request& request) {
  record seen(request);
  const endpoint_settings& settings = request.settings;
  if (settings.problem) {
    seen.fail_settings(settings.problem->code, settings.problem->to_string());
    return seen.take();
  }
  if (!instance || !instance->tables.channel || !instance->tables.doctor) {
    seen.fail_settings("CHANNEL_UNKNOWN",
                       !instance
                           ? reason
                           : "The plugin \"" + instance->about.id +
                                 "\" offers no diagnosis of a channel; tocsin send-test sends a message instead.");
    return seen.take();
  }
  const auto [number, run] = instance->diagnoses.begin();
  // A pool of its own: a diagnosis looks at a new connection, not at one that is open already.
  const auto opened =
      open_endpoint(*instance, settings, abi::pool_of(settings) + "/diagnosis/" + std::to_string(number));
  if (!opened) {
    instance->diagnoses.end(number);
    seen.fail_settings(opened.error().code, opened.error().what);
    return seen.take();
  }
  if (auto begun = begin(*instance, request, opened->token, number); begun) {
    const auto alarm = instance->services.clock->after(request.limit, [run = run] { run->give_up(); });
    follow(*instance, request, *run, seen);
    instance->services.clock->cancel(alarm);
  } else {
    seen.fail_settings(begun.error().code, begun.error().what);
  }
  instance->diagnoses.end(number);
  close_endpoint(*instance, opened->token);
  return seen.take();
}

}  // namespace tocsin
