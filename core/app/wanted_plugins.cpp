// Looks the plugins up that the settings name.
#include "core/app/wanted_plugins.hpp"

#include <map>
#include <utility>

namespace tocsin::app {

faults missing_plugins(const plugin_host& plugins, const settings& in_force) {
  std::map<std::string, std::string> needed;  // plugin -> the key that names it
  for (const auto& channel : in_force.channels()) {
    const auto endpoint = in_force.endpoint(channel, "");
    if (endpoint) needed.emplace((*endpoint)->plugin, "channels." + channel + ".plugin");
  }
  for (const auto& source : in_force.sources()) needed.emplace(source.plugin, "sources." + source.name + ".plugin");
  for (const auto& one : in_force.subscribers()) needed.emplace(one.plugin, "subscribers." + one.name + ".plugin");
  for (const auto& one : in_force.secret_stores()) needed.emplace(one.plugin, "secrets." + one.name + ".plugin");
  for (const auto& plugin : plugins.plugins())
    if (plugin.state == plugin_state::active) needed.erase(plugin.id);
  faults missing;
  for (const auto& [plugin, key] : needed)
    missing.push_back({"PLUGIN_DOWN", "The plugin \"" + plugin + "\" does not run.",
                       "See `tocsin plugin list` and the log for the reason.", at_key(key)});
  return missing;
}

result<std::vector<manifest_http_route>> routes_of_source(const plugin_host& plugins, const settings& in_force,
                                                          const std::string& name) {
  for (const auto& source : in_force.sources()) {
    if (source.name != name) continue;
    if (auto routes = plugins.http_routes(source.plugin)) return std::move(*routes);
    return fault{"SOURCE_DOWN", "The source \"" + name + "\" does not run: its plugin is not installed.",
                 "See `tocsin plugin list`.", at_key("sources." + name + ".plugin")};
  }
  return fault{"NOT_FOUND", "There is no such source.", {}, {}};
}

}  // namespace tocsin::app
