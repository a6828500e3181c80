// What the settings want of plugins, held against those that are there.
#pragma once

#include "core/delivery/failure_policy.hpp"
#include "core/model/fault.hpp"
#include "core/model/manifest.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/settings/settings.hpp"

#include <string>
#include <vector>

namespace tocsin::app {

// Plugins that the settings name and that do not run. [any thread]
faults missing_plugins(const plugin_host& plugins, const settings& in_force);

// What a source takes that the settings name, whether it runs or not. Faults: NOT_FOUND, SOURCE_DOWN. [any thread]
result<std::vector<manifest_http_route>> routes_of_source(const plugin_host& plugins, const settings& in_force,
                                                          const std::string& name);

plugin_failure failure_of(const plugin_info& which, std::string state, time_ms now);
// The plugins that the settings name and that do not run, each with the reason that is known.
std::vector<plugin_failure> failed_plugins(const plugin_host& plugins, const settings& in_force, time_ms now);

}  // namespace tocsin::app
