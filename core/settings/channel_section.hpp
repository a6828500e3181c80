// Reads and checks one level's table of a channel.
#pragma once

#include "core/settings/settings_file.hpp"

#include <string>
#include <vector>

namespace tocsin {

// key: of the table, dotted. above: the host's layer; null if this is the host's, or the host has no such channel.
// Faults and warnings go to the file's.
channel_layer read_channel_section(settings_file& file, const setting_node& table, const std::string& key,
                                   const channel_layer* above);

// Notes the secrets that checked leaves name, so that their handles can be asked for, and warns of files that everybody
// can read. A secret of a store that the file does not declare is an error. key: of the table that the leaves are from.
// of_store: it is a secret store's own, which can name no store's secret.
void note_secrets(settings_file& file, const std::vector<checked_leaf>& leaves, const plugin_schema& schema,
                  const std::string& key, bool of_store = false);

}  // namespace tocsin
