// What a plugin's code says of settings: its own (tocsin.config/1: a check, and settings of an older version brought up
// to date), or those of a channel that names it as its preset (tocsin.preset/1). Bounded calls.
#pragma once

#include "core/plugin_host/plugin_instance.hpp"

#include <string>
#include <vector>

namespace tocsin {

// Findings; empty if the plugin has no such code. A call that does not come back, or throws, is a fatal finding.
std::vector<settings_finding> check_config(plugin_instance& instance, const config_subject& subject);
std::vector<settings_finding> check_preset(plugin_instance& instance, const endpoint_settings& settings);

// Faults: CONFIG_UNKNOWN if these settings were never right, or the plugin migrates nothing; PLUGIN_HUNG,
// PLUGIN_FAILED.
result<config_migration> migrate_config(plugin_instance& instance, const config_subject& subject);

}  // namespace tocsin
