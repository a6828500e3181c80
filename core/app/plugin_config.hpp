// Asks plugins about their settings (tocsin.config/1), and puts what they say into faults with file, line and key.
#pragma once

#include "core/app/workbench.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/settings/settings.hpp"

#include <functional>
#include <optional>
#include <string>

namespace tocsin::app {

struct config_findings {
  faults errors;    // these settings cannot work
  faults warnings;  // they work, but somebody should look
};

// Of an endpoint, as `organization` uses it, and of [sources.NAME] or [subscribers.NAME]; `table` is which. Nothing is
// asked about what has a problem already.
config_findings ask_about_endpoint(plugin_host& plugins, const settings& all, const endpoint_settings& endpoint,
                                   const std::string& organization);
config_findings ask_about_table(plugin_host& plugins, const settings& all, const std::string& table,
                                const source_settings& settings);

// Logs what finds fault with settings that work, and gives the first reason why they cannot.
std::optional<fault> first_error(const config_findings& found);

// Why a source or subscriber stays closed: its own problem, or what its plugin says; warnings are logged.
std::optional<fault> problem_of(plugin_host& plugins, const settings& all, const std::string& table,
                                const source_settings& settings);

// Logs what plugins find in the settings of channels, the host's and organizations'. An endpoint that cannot work is
// paused when it is to be opened. Costs nothing where no plugin has such code.
void report_endpoints(plugin_host& plugins, const settings& all);

// Has the plugin bring settings of an older version up to date. running: the host that the plugin runs in, found or
// started for it.
settings_migrator migrator_with(std::function<plugin_host&(const std::string& plugin)> running);

// For `config check`: starts the plugins of sources and subscribers that have something to say, and asks them.
config_findings check_tables(const configuration& found);

}  // namespace tocsin::app
