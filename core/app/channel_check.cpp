#include "core/app/channel_check.hpp"

#include <algorithm>
#include <set>

namespace tocsin::app {
namespace {

// Every endpoint once, with the organization that it was found for.
std::map<endpoint_settings_ptr, std::string> endpoints_of(const settings& all) {
  std::map<endpoint_settings_ptr, std::string> endpoints;
  auto organizations = all.organizations();
  organizations.insert(organizations.begin(), "");
  for (const auto& channel : all.channels()) {
    for (const auto& organization : organizations) {
      const auto found = all.endpoint(channel, organization);
      if (found && !(*found)->problem) endpoints.emplace(*found, organization);
    }
  }
  return endpoints;
}

// `setting` may be empty: then the place is the channel's as a whole.
place place_of(const settings& all, const endpoint_settings& endpoint, const std::string& organization,
               const std::string& setting) {
  const std::string table = "channels." + endpoint.key.channel + ".";
  auto origins = all.why(table + (setting.empty() ? "plugin" : setting), organization);
  if (origins.empty()) origins = all.why(table + "plugin", organization);
  auto where = origins.empty() ? place{} : origins.front().place;
  where.key = setting.empty() ? table.substr(0, table.size() - 1) : table + setting;
  return where;
}

}  // namespace

channel_findings check_channels(const configuration& found) {
  channel_findings findings;
  const auto endpoints = endpoints_of(*found.settings);
  std::set<std::string> needed;
  for (const auto& [endpoint, organization] : endpoints) {
    needed.insert(endpoint->plugin);
    if (!endpoint->preset.empty()) needed.insert(endpoint->preset);
  }
  if (needed.empty()) return findings;
  workbench bench(found, needed, [](std::vector<outcome>) {});
  const auto add = [](faults& to, fault why) {
    if (std::find(to.begin(), to.end(), why) == to.end()) to.push_back(std::move(why));
  };
  for (const auto& [endpoint, organization] : endpoints) {
    if (!endpoint->preset.empty()) {
      for (const auto& said : bench.plugins().check_preset(endpoint->preset, *endpoint)) {
        add(said.fatal ? findings.errors : findings.warnings,
            {said.code, said.text, "", place_of(*found.settings, *endpoint, organization, said.key)});
      }
    }
    const auto channel = bench.plugins().channel(endpoint->plugin);
    if (!channel) continue;  // said already: the settings name a plugin that does not run
    if (const auto opened = channel->open(*endpoint)) {
      channel->close(opened->token);
    } else {
      auto why = opened.error();
      // A plugin begins its reason with the key that it is about.
      const auto named = why.what.substr(0, why.what.find(' '));
      const bool known = !found.settings->why("channels." + endpoint->key.channel + "." + named, organization).empty();
      why.place = place_of(*found.settings, *endpoint, organization, known ? named : "");
      add(findings.errors, std::move(why));
    }
  }
  return findings;
}

}  // namespace tocsin::app
