// Looks the plugins up that the settings name.
#include "core/app/wanted_plugins.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace tocsin::app {

namespace {

// Plugins that are named and not active, each with the key that names it.
std::map<std::string, std::string> named_and_down(const plugin_host& plugins, const settings& in_force) {
  std::map<std::string, std::string> needed;
  for (const auto& channel : in_force.channels()) {
    const auto endpoint = in_force.endpoint(channel, "");
    if (endpoint) needed.emplace((*endpoint)->plugin, "channels." + channel + ".plugin");
  }
  for (const auto& source : in_force.sources()) needed.emplace(source.plugin, "sources." + source.name + ".plugin");
  for (const auto& one : in_force.subscribers()) needed.emplace(one.plugin, "subscribers." + one.name + ".plugin");
  for (const auto& one : in_force.secret_stores()) needed.emplace(one.plugin, "secrets." + one.name + ".plugin");
  for (const auto& plugin : plugins.plugins())
    if (plugin.state == plugin_state::active) needed.erase(plugin.id);
  return needed;
}

}  // namespace

faults missing_plugins(const plugin_host& plugins, const settings& in_force) {
  faults missing;
  for (const auto& [plugin, key] : named_and_down(plugins, in_force))
    missing.push_back({"PLUGIN_DOWN", "The plugin \"" + plugin + "\" does not run.",
                       "See `tocsin plugin list` and the log for the reason.", at_key(key)});
  return missing;
}

plugin_failure failure_of(const plugin_info& which, std::string state, time_ms now) {
  plugin_failure made;
  made.plugin = which.id;
  made.version = which.version;
  made.build_id = which.build_id;
  made.state = std::move(state);
  made.reason = which.reason;
  made.at = now;
  return made;
}

std::vector<plugin_failure> failed_plugins(const plugin_host& plugins, const settings& in_force, time_ms now) {
  std::vector<plugin_failure> all;
  const auto known = plugins.plugins();
  for (const auto& [id, key] : named_and_down(plugins, in_force)) {
    const auto found = std::find_if(known.begin(), known.end(), [&id = id](const auto& one) { return one.id == id; });
    if (found != known.end()) {
      all.push_back(failure_of(*found, std::string(to_text(found->state)), now));
    } else {
      plugin_failure missing;
      missing.plugin = id;
      missing.state = "missing";
      missing.reason = "It is not installed, and " + key + " names it.";
      missing.at = now;
      all.push_back(std::move(missing));
    }
  }
  return all;
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
