// Opens and closes sources.
#pragma once

#include "core/plugin_host/plugin_instance.hpp"

#include <string>

namespace tocsin {

// From now on the instance knows the source by its name. A fault, SETTINGS_INVALID: the plugin refuses the settings, or
// does not run (instance is null). [control]
result<void> open_source(plugin_instance* instance, const std::string& plugin, const source_opening& opening);
// Nothing happens where it is not open. [control]
void close_source(plugin_instance& instance, const std::string& name);

}  // namespace tocsin
