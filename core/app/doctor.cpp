// `tocsin doctor`: staged diagnosis of a channel, a line a stage, the failing one expanded.
#include <boost/json.hpp>

#include <cstdio>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/plugin_config.hpp"
#include "core/app/test_message.hpp"
#include "core/app/workbench.hpp"
#include "core/http/channels.hpp"
#include "core/model/json.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

constexpr std::chrono::minutes whole_limit{5};

void print_stage(const diagnosis_stage& stage, const code_table& codes) {
  std::printf("%s %-12s %6llu ms  %s\n",
              stage.ok ? paint("ok  ", colour::green).c_str() : paint("FAIL", colour::red).c_str(), stage.stage.c_str(),
              static_cast<unsigned long long>(stage.duration_ms), stage.detail.c_str());
  if (!stage.ok) {
    const auto& code = codes.find(stage.code);
    std::printf("\n  %s: %s\n", paint(stage.code, colour::bold).c_str(), code.explanation.c_str());
    if (!code.remedy.empty()) std::printf("  What to do: %s\n", code.remedy.c_str());
  } else if (stage.stage == "certificate" && !stage.facts.empty()) {
    const auto facts = parse_json(stage.facts);
    const auto* object = facts ? facts->if_object() : nullptr;
    const auto* tls = object != nullptr ? object->if_contains("tls") : nullptr;
    if (tls == nullptr || !tls->is_object()) return;
    for (const auto* name : {"subject", "issuer", "not_after"})
      if (const auto* value = tls->get_object().if_contains(name); value != nullptr && value->is_string())
        std::printf("       %-12s %s\n", name, value->get_string().c_str());
  }
  std::fflush(stdout);
}

diagnosis_stage failed_settings(const fault& why) {
  diagnosis_stage stage{
      .stage = "settings", .ok = false, .code = why.code, .detail = why.to_string(), .duration_ms = 0, .facts = {}};
  if (stage.code != "CHANNEL_UNKNOWN" && stage.code != "AUTH_APP_PASSWORD_REQUIRED") stage.code = "SETTINGS_INVALID";
  return stage;
}

// Runs the stages; the first is always `settings`.
std::vector<diagnosis_stage> run(const doctor_options& options, const configuration& found,
                                 const std::function<void(const diagnosis_stage&)>& on_stage, code_table& codes) {
  std::vector<diagnosis_stage> stages;
  const auto add = [&](diagnosis_stage stage) {
    on_stage(stage);
    stages.push_back(std::move(stage));
  };
  const auto endpoint = found.settings->endpoint(options.channel, options.organization);
  if (!endpoint) {
    add(failed_settings(endpoint.error()));
    return stages;
  }
  const auto& settings = **endpoint;
  if (settings.problem) {
    add(failed_settings(*settings.problem));
    return stages;
  }
  workbench bench(found, settings, [](std::vector<outcome>) {});
  codes = bench.plugins().codes();
  for (const auto& plugin : bench.plugins().plugins()) {
    if (plugin.id != settings.plugin || plugin.state == plugin_state::active) continue;
    add(failed_settings(
        {"SETTINGS_INVALID", "The plugin \"" + plugin.id + "\" does not run: " + plugin.reason, "", {}}));
    return stages;
  }
  if (!settings.preset.empty()) {
    for (const auto& finding : bench.plugins().check_preset(settings.preset, settings)) {
      if (!finding.fatal) continue;
      add(failed_settings({finding.code, finding.text, "", at_key(finding.key)}));
      return stages;
    }
  }
  const auto said = ask_about_endpoint(bench.plugins(), *found.settings, settings, settings.organization);
  if (!said.errors.empty()) {
    add(failed_settings(said.errors.front()));
    return stages;
  }
  const auto message = test_message(settings, options.to, bench.clock().now());
  bench.plugins().diagnose(settings, options.to, options.send ? &message : nullptr, whole_limit, add);
  return stages;
}

}  // namespace

int doctor(const doctor_options& options) {
  auto found = read_configuration(options.config, may_ask_plugins::yes);
  if (!found.settings) {
    print_faults(found.errors, options.json);
    return exit_configuration;
  }
  static_cast<void>(ask_secret_stores(found));  // its fault is the endpoint's problem
  code_table codes;
  const auto stages = run(
      options, found,
      [&](const diagnosis_stage& stage) {
        if (!options.json) print_stage(stage, codes);
      },
      codes);
  const bool ok = !stages.empty() && stages.back().ok;
  if (options.json) {
    json::array array;
    for (const auto& stage : stages) array.push_back(to_json_object(stage, codes));
    std::printf("%s\n", json::serialize(json::object{{"ok", ok}, {"stages", std::move(array)}}).c_str());
  }
  return ok ? exit_done : exit_failed;
}

}  // namespace tocsin::app
