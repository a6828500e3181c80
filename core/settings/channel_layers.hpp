// One channel out of its levels: organization, host, preset, the plugin's defaults. Pure: reads no secret and no file.
#pragma once

#include "core/model/endpoint.hpp"
#include "core/model/fault.hpp"
#include "core/model/manifest.hpp"
#include "core/settings/schema.hpp"
#include "core/settings/settings.hpp"

#include <boost/json/object.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tocsin {

// What the settings need to know of a plugin, made once from its manifest.
struct plugin_schema {
  const tocsin::manifest* manifest = nullptr;
  boost::json::object schema;       // the plugin's with the core's keys
  std::vector<schema_leaf> leaves;  // of `schema`, which they point into
  std::map<std::string, checked_leaf> defaults;
  std::map<std::string, std::vector<std::string>> groups;
  bool whole_is_server = false;  // it declares no group "server", and has secrets: then all its keys are that group
  faults defects;                // of the manifest's own defaults

  bool in_group(const std::string& group, const std::string& key) const;
};

// By plugin id.
using plugin_schemas = std::map<std::string, plugin_schema>;
plugin_schemas make_plugin_schemas(const manifest_catalogue& plugins, const boost::json::object& core,
                                   std::string_view extension);

// A channel's table at one level.
struct channel_layer {
  std::vector<checked_leaf> leaves;
  place where;  // of the table
};

// A value of one level for one key.
struct candidate {
  std::string level;  // as setting_origin.level
  checked_leaf leaf;
  tocsin::place place;
  bool barred = false;  // it belongs to a group that the organization owns: not used
};

struct merged_channel {
  endpoint_key key;
  std::string plugin;  // empty: no level names one
  std::string preset;
  const plugin_schema* schema = nullptr;                 // null: the plugin is not there
  const tocsin::preset_data* preset_data = nullptr;      // null: no preset, or it is not there
  std::map<std::string, std::vector<candidate>> values;  // by key, winner first, barred ones last
  bool enabled = true;
  bool owns_server = false;  // the organization does
  std::string owned_by_key;  // the first key by which it came to
  std::optional<fault> problem;
  faults warnings;

  // Null: no level has it.
  const candidate* winner(const std::string& name) const;
};

struct channel_levels {
  std::string channel;
  std::string organization;             // empty: the host's own view
  const channel_layer* host = nullptr;  // null: the host has no such channel
  const channel_layer* own = nullptr;   // the organization's; null: it sets nothing
};

merged_channel merge_channel(const channel_levels& levels, const plugin_schemas& schemas,
                             const manifest_catalogue& plugins, const setting_site& site);

// The plugin that a table's levels name, by themselves or through their preset. Empty: none.
std::string plugin_of(const channel_layer* own, const channel_layer* host, const manifest_catalogue& plugins);

// The ids of the plugins that offer the extension; of the presets for a channel plugin.
std::vector<std::string> offering(const manifest_catalogue& plugins, std::string_view extension);
std::vector<std::string> presets_for(const manifest_catalogue& plugins, std::string_view channel_plugin);

}  // namespace tocsin
