// From what a plugin's code finds to faults with their places.
#include "core/app/plugin_config.hpp"

#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/config.h>
#include <boost/json.hpp>

#include <algorithm>
#include <set>

#include "core/model/json.hpp"
#include "core/observe/log.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

// The place of one setting of a table; of the table as a whole if `key` is none of its settings.
place place_of(const settings& all, const std::string& table, const std::string& organization, const std::string& key) {
  std::string named = table + "." + key;
  auto origins = key.empty() ? std::vector<setting_origin>{} : all.why(named, organization);
  // A default has no place of its own.
  if (origins.empty() || origins.front().place.line == 0) {
    if (origins.empty()) named = table;
    origins = all.why(table + ".plugin", organization);
  }
  auto where = origins.empty() ? place{} : origins.front().place;
  where.key = named;
  return where;
}

config_findings ask(plugin_host& plugins, const settings& all, const std::string& plugin, const config_subject& about) {
  config_findings found;
  for (const settings_finding& said : plugins.check_config(plugin, about)) {
    (said.fatal ? found.errors : found.warnings)
        .push_back(
            {said.code, said.text, "", place_of(all, about.table + "." + about.name, about.organization, said.key)});
  }
  return found;
}

void append(config_findings& to, config_findings more) {
  to.errors.insert(to.errors.end(), more.errors.begin(), more.errors.end());
  to.warnings.insert(to.warnings.end(), more.warnings.begin(), more.warnings.end());
}

}  // namespace

config_findings ask_about_endpoint(plugin_host& plugins, const settings& all, const endpoint_settings& endpoint,
                                   const std::string& organization) {
  if (endpoint.problem) return {};
  return ask(plugins, all, endpoint.plugin,
             {"channels", endpoint.key.channel, organization, json::serialize(endpoint.settings)});
}

config_findings ask_about_table(plugin_host& plugins, const settings& all, const std::string& table,
                                const source_settings& settings) {
  if (settings.problem) return {};
  return ask(plugins, all, settings.plugin,
             {table, settings.name, settings.organization, json::serialize(settings.settings)});
}

std::optional<fault> first_error(const config_findings& found) {
  for (const fault& warning : found.warnings) log::write(log::level::warn, warning.to_string());
  return found.errors.empty() ? std::nullopt : std::optional(found.errors.front());
}

std::optional<fault> problem_of(plugin_host& plugins, const settings& all, const std::string& table,
                                const source_settings& settings) {
  return settings.problem ? settings.problem : first_error(ask_about_table(plugins, all, table, settings));
}

void report_endpoints(plugin_host& plugins, const settings& all) {
  const auto known = plugins.plugins();
  const bool any = std::any_of(known.begin(), known.end(), [](const plugin_info& plugin) {
    return plugin.state == plugin_state::active && plugin.manifest.provides_extension(TOCSIN_EXT_CHANNEL) &&
           plugin.manifest.provides_extension(TOCSIN_EXT_CONFIG);
  });
  if (!any) return;
  for (const used_endpoint& used : used_endpoints(all)) {
    const auto found = ask_about_endpoint(plugins, all, *used.settings, used.organization);
    static_cast<void>(first_error(found));
    for (const fault& why : found.errors)
      log::write(log::level::error, "channel cannot work",
                 {{"channel", used.settings->key.channel},
                  {"organization", used.organization},
                  {"plugin", used.settings->plugin},
                  {"why", why.to_string()}});
  }
}

config_findings check_tables(const configuration& found) {
  std::set<std::string> needed;
  const auto need = [&](const source_settings& table) {
    for (const plugin_info& plugin : found.plugins)
      if (plugin.id == table.plugin && plugin.manifest.provides_extension(TOCSIN_EXT_CONFIG)) needed.insert(plugin.id);
  };
  const settings& all = *found.settings;
  for (const auto& source : all.sources()) need(source);
  for (const auto& one : all.subscribers()) need(one);
  if (needed.empty()) return {};
  workbench bench(found, needed, [](std::vector<outcome>) {});
  config_findings gathered;
  for (const auto& source : all.sources()) append(gathered, ask_about_table(bench.plugins(), all, "sources", source));
  for (const auto& one : all.subscribers()) append(gathered, ask_about_table(bench.plugins(), all, "subscribers", one));
  return gathered;
}

settings_migrator migrator_with(std::function<plugin_host&(const std::string& plugin)> running) {
  return [running = std::move(running)](const unfit_table& table) -> result<migrated_table> {
    const auto made = running(table.plugin)
                          .migrate_config(table.plugin, {table.table, table.name, table.organization,
                                                         json::serialize(table.settings)});
    if (!made) return made.error();
    auto settings = parse_json(made->settings);
    if (!settings || !settings->is_object()) {
      return fault{"CONFIG_INVALID",
                   "The plugin \"" + table.plugin +
                       "\" was asked to bring these settings up to date, and its answer is no JSON object.",
                   {},
                   {}};
    }
    migrated_table migrated{std::move(settings->get_object()), {}};
    for (const settings_finding& said : made->findings) migrated.changes.push_back({said.key, said.text});
    return migrated;
  };
}

}  // namespace tocsin::app
