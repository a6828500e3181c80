// A settings file as it was read and checked: everything but what needs secrets.
#pragma once

#include "core/settings/channel_layers.hpp"
#include "core/settings/secret_reference.hpp"
#include "core/settings/setting_node.hpp"
#include "core/settings/settings.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tocsin {

struct organization_entry {
  organization_settings settings;
  std::map<std::string, const setting_node*> channels;  // its tables, in the document
  std::map<std::string, std::vector<setting_origin>> origins;
  int line = 0;
  int column = 0;
};

// A table that names its plugin and has one level: [sources.NAME], [subscribers.NAME], [secrets.NAME].
struct source_entry {
  std::string name;
  const boost::json::object* core = nullptr;  // the schema of the host's own keys
  const plugin_schema* schema = nullptr;      // null: the plugin is not there
  std::string plugin;
  std::string organization;
  std::vector<checked_leaf> leaves;
  std::optional<fault> problem;
  place where;
};

struct settings_file {
  std::unique_ptr<const setting_node> document;
  setting_site site;  // file and folder
  manifest_catalogue plugins;
  plugin_schemas channel_schemas;
  plugin_schemas source_schemas;
  plugin_schemas subscriber_schemas;
  plugin_schemas secret_store_schemas;

  host_settings host;
  http_settings http;
  std::vector<event_type_settings> event_types;
  std::map<std::string, channel_layer> channels;  // of the host
  std::vector<source_entry> sources;
  std::vector<source_entry> subscribers;
  std::vector<std::string> secret_store_names;  // known before any other section is read, since all may refer to them
  std::vector<source_entry> secret_stores;
  std::vector<route> routes;
  std::vector<std::string> organization_names;  // in the file's order
  std::unordered_map<std::string, organization_entry> organizations;
  std::map<std::string, std::vector<setting_origin>> origins;   // of [host], [http], [events], [sources],
                                                                // [subscribers] and [secrets]
  std::unordered_map<std::uint64_t, secret_reference> secrets;  // every one that the file names, by its handle

  faults warnings;
  faults errors;

  // An organization's table of a channel, checked before: faults are not reported again.
  channel_layer organization_layer(const std::string& organization, const std::string& channel,
                                   const setting_node& table) const;
  // The merge for an organization's view; nothing if no level has the channel.
  std::optional<merged_channel> merge(const std::string& channel, const std::string& organization) const;
};

// Reads and checks all of it; errors and warnings are in the file's order.
settings_file read_settings_file(std::string_view toml, const std::filesystem::path& file,
                                 const manifest_catalogue& plugins, const settings_migrator& migrate = {});

// [host] alone; faults are added to the errors. `document` is a whole file's.
host_settings read_host_section(const setting_node& document, const setting_site& site, faults& errors,
                                faults& warnings, std::map<std::string, std::vector<setting_origin>>& origins);

// The file's order.
void sort_by_place(faults& all);

// The text of a file of at most 256 MiB.
result<std::string> read_text_file(const std::filesystem::path& file);

}  // namespace tocsin
