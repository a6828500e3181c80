// SPDX-License-Identifier: Apache-2.0
// What a plugin says of settings and of itself: preset, config and health, which touch nothing.
#include "sdk/conformance/src/case.hpp"
#include "sdk/conformance/src/probe.hpp"

#include <tocsin/abi/ext/config.h>
#include <tocsin/abi/ext/health.h>
#include <tocsin/abi/ext/preset.h>
#include <tocsin/sdk/json.hpp>

namespace tocsin::conformance {
namespace {

// Gathers what one call found.
struct findings {
  const kit_host* host;
  std::vector<std::string> all;

  static void take(void* context, const tocsin_finding* finding) {
    auto& self = *static_cast<findings*>(context);
    if (!check_struct(*self.host, finding, sizeof(tocsin_finding), "a finding")) return;
    const std::string code = take_text(*self.host, finding->code, "a finding's code");
    const std::string text = take_text(*self.host, finding->text, "a finding's text");
    if (code.empty() || text.empty())
      self.host->breach(laws::finding, "its finding has the code " + shown(code) + " and the text " + shown(text));
    self.all.push_back(std::to_string(finding->fatal) + " " + take_text(*self.host, finding->key, "a finding's key") +
                       " " + code + " " + text);
  }
};

std::vector<std::string> ask_preset(running& plugin, const tocsin_preset* table, std::string_view settings) {
  loan lent("preset.check");
  findings found{&plugin.host, {}};
  const auto* endpoint = lent.put(tocsin_endpoint{sizeof(tocsin_endpoint), 0, lent.text("kit"), lent.text(""),
                                                  lent.text(settings), lent.text(""), lent.text("pool")});
  const auto* report = lent.put(tocsin_finding_report{sizeof(tocsin_finding_report), 0, &found, &findings::take});
  control("preset.check", [&] { table->check(plugin.self(), endpoint, report); });
  return found.all;
}

std::vector<std::string> ask_config(running& plugin, const tocsin_config* table, std::string_view settings) {
  loan lent("config.check");
  findings found{&plugin.host, {}};
  const auto* input = lent.put(tocsin_config_input{sizeof(tocsin_config_input), 0, lent.text("channels"),
                                                   lent.text("kit"), lent.text(""), lent.text(settings)});
  const auto* report = lent.put(tocsin_finding_report{sizeof(tocsin_finding_report), 0, &found, &findings::take});
  control("config.check", [&] { table->check(plugin.self(), input, report); });
  return found.all;
}

template <class Ask>
void same_answer_twice(bench& on, const law& about, Ask&& ask) {
  if (on.own_process) forbid_threads_and_network(about);
  for (const std::string& settings :
       {on.settings, std::string("{}"), std::string("[]"), std::string(), std::string("{\"")}) {
    if (ask(settings) != ask(settings))
      blackbox::breach(about, "it gives another answer at the second call for " + shown(settings));
  }
}

void preset_pure(bench& on, const law& about) {
  on.need(TOCSIN_EXT_PRESET);
  const auto plugin = start_plugin(on);
  const auto* table = plugin->need_table<tocsin_preset>(TOCSIN_EXT_PRESET);
  same_answer_twice(on, about, [&](const std::string& settings) { return ask_preset(*plugin, table, settings); });
}

void config_pure(bench& on, const law& about) {
  on.need(TOCSIN_EXT_CONFIG);
  const auto plugin = start_plugin(on);
  const auto* table = plugin->need_table<tocsin_config>(TOCSIN_EXT_CONFIG);
  same_answer_twice(on, about, [&](const std::string& settings) { return ask_config(*plugin, table, settings); });
}

bool is_object(const std::string& text) {
  sdk::detail::json_cursor cursor(text);
  const std::string_view value = cursor.value();
  return !value.empty() && value.front() == '{' && cursor.value().empty();
}

void migrate(bench& on, const law& about) {
  on.need(TOCSIN_EXT_CONFIG);
  const auto plugin = start_plugin(on);
  const auto* table = plugin->need_table<tocsin_config>(TOCSIN_EXT_CONFIG);
  if (!TOCSIN_HAS_FIELD(tocsin_config, table, migrate) || table->migrate == nullptr)
    throw skip_case{"the plugin has no migrate()"};
  for (const std::string& settings :
       {on.settings, std::string("{}"), std::string("[]"), std::string(), std::string("{\"")}) {
    loan lent("config.migrate");
    findings found{&plugin->host, {}};
    call_sink into(lent, "the settings sink of config.migrate", on.sink_limit);
    const auto* input = lent.put(tocsin_config_input{sizeof(tocsin_config_input), 0, lent.text("channels"),
                                                     lent.text("kit"), lent.text(""), lent.text(settings)});
    const auto* report = lent.put(tocsin_finding_report{sizeof(tocsin_finding_report), 0, &found, &findings::take});
    const tocsin_status status =
        control("config.migrate", [&] { return table->migrate(plugin->self(), input, into.raw(), report); });
    if (status == TOCSIN_OK && !is_object(into.text()))
      blackbox::breach(about,
                       "migrate() answered TOCSIN_OK and wrote " + shown(into.text()) + ", which is no JSON object");
  }
}

void health(bench& on, const law& about) {
  on.need(TOCSIN_EXT_HEALTH);
  const auto plugin = start_plugin(on);
  const auto* table = plugin->need_table<tocsin_health>(TOCSIN_EXT_HEALTH);
  for (int round = 0; round < 3; ++round) {
    loan lent("health.check");
    call_sink text(lent, "the text sink of health.check", on.sink_limit);
    tocsin_health_state state = TOCSIN_HEALTH_GOOD;
    on_worker(plugin->host, "health.check", [&] {
      if (on.own_process && round == 0) forbid_threads_and_network(about);
      state = table->check(plugin->self(), text.raw());
    });
    if (state > TOCSIN_HEALTH_FAILING)
      blackbox::breach(about, "check() answered " + std::to_string(state) + ", which no header knows");
    if (state != TOCSIN_HEALTH_GOOD && (text.text().empty() || !is_one_line(text.text())))
      blackbox::breach(about, "check() answered " + std::to_string(state) + " and said " + shown(text.text()));
  }
}

}  // namespace

case_table settings_cases() {
  return {
      {"preset.pure",
       {"a preset's check() looks at the settings and nothing else", "tocsin/abi/ext/preset.h",
        "check [control] active"},
       preset_pure},
      {"config.check-is-pure",
       {"config's check() looks at the settings and nothing else", "tocsin/abi/ext/config.h", "check [control] active"},
       config_pure},
      {"config.migrate-writes-a-table",
       {"migrate() writes one whole table, or answers that there is nothing to migrate", "tocsin/abi/ext/config.h",
        "migrate [control] active"},
       migrate},
      {"health.says-why",
       {"health's check() answers from what is known, with a sentence where the state is not good",
        "tocsin/abi/ext/health.h", "check [worker] active"},
       health},
  };
}

}  // namespace tocsin::conformance
