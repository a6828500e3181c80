#include "core/app/channel_check.hpp"

#include <algorithm>
#include <set>

#include "core/app/plugin_config.hpp"

namespace tocsin::app {
namespace {

// The place of one setting of the endpoint; of the channel as a whole if `setting` is none of its settings.
place place_of(const settings& all, const used_endpoint& used, const std::string& setting) {
  const std::string channel = "channels." + used.settings->key.channel;
  std::string key = channel + "." + setting;
  auto origins = setting.empty() ? std::vector<setting_origin>{} : all.why(key, used.organization);
  if (origins.empty()) {
    key = channel;
    origins = all.why(channel + ".plugin", used.organization);
  }
  auto where = origins.empty() ? place{} : origins.front().place;
  where.key = key;
  return where;
}

std::string why_not_running(const plugin_host& plugins, const std::string& id) {
  for (const auto& one : plugins.plugins())
    if (one.id == id && !one.reason.empty()) return "The plugin \"" + id + "\" does not run: " + one.reason;
  return "The plugin \"" + id + "\" does not run.";
}

}  // namespace

channel_findings check_channels(const configuration& found) {
  channel_findings findings;
  auto endpoints = used_endpoints(*found.settings);
  std::erase_if(endpoints, [](const used_endpoint& used) { return used.settings->problem.has_value(); });
  std::set<std::string> needed;
  for (const auto& used : endpoints) {
    needed.insert(used.settings->plugin);
    if (!used.settings->preset.empty()) needed.insert(used.settings->preset);
  }
  if (needed.empty()) return findings;
  workbench bench(found, needed, [](std::vector<outcome>) {});
  const auto add = [](faults& to, fault why) {
    if (std::find(to.begin(), to.end(), why) == to.end()) to.push_back(std::move(why));
  };
  for (const auto& used : endpoints) {
    const auto& endpoint = *used.settings;
    if (!endpoint.preset.empty()) {
      for (const auto& said : bench.plugins().check_preset(endpoint.preset, endpoint)) {
        add(said.fatal ? findings.errors : findings.warnings,
            {said.code, said.text, "", place_of(*found.settings, used, said.key)});
      }
    }
    const auto said = ask_about_endpoint(bench.plugins(), *found.settings, endpoint, used.organization);
    for (const auto& why : said.errors) add(findings.errors, why);
    for (const auto& why : said.warnings) add(findings.warnings, why);
    const auto channel = bench.plugins().channel(endpoint.plugin);
    if (!channel) {
      add(findings.errors, {"SETTINGS_INVALID", why_not_running(bench.plugins(), endpoint.plugin),
                            "tocsin plugin list shows what is installed.", place_of(*found.settings, used, "plugin")});
      continue;
    }
    if (const auto opened = channel->open(endpoint)) {
      channel->close(opened->token);
    } else {
      auto why = opened.error();
      // A plugin begins its reason with the key that it is about.
      why.place = place_of(*found.settings, used, why.what.substr(0, why.what.find(' ')));
      add(findings.errors, std::move(why));
    }
  }
  return findings;
}

}  // namespace tocsin::app
