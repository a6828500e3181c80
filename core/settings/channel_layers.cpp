// Merges a channel's levels, keeps groups together, and applies what the preset's manifest demands.
#include "core/settings/channel_layers.hpp"

#include "core/settings/core_schema.hpp"
#include "core/settings/preset_constraints.hpp"
#include "core/settings/suggestion.hpp"

#include <tocsin/abi/ext/channel.h>

#include <boost/json.hpp>

#include <algorithm>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::string_view server_group = "server";

// Keys of every channel that no group decides on: whether it is switched on, and how long to try.
bool is_free_core_key(const std::string& key) { return key == "override" || key.starts_with("retry."); }
bool is_core_key(const std::string& key) { return is_free_core_key(key) || key == "plugin" || key == "preset"; }

std::string text_of(const channel_layer* layer, std::string_view key) {
  if (!layer) return "";
  for (const auto& leaf : layer->leaves) {
    if (leaf.key == key && leaf.value.is_string()) return std::string(leaf.value.get_string());
  }
  return "";
}

std::string plugin_of_layer(const channel_layer* layer, const manifest_catalogue& plugins) {
  if (auto named = text_of(layer, "plugin"); !named.empty()) return named;
  const auto preset = plugins.find(text_of(layer, "preset"));
  return preset != plugins.end() && preset->second.preset ? preset->second.preset->channel_plugin : "";
}

place place_of(const checked_leaf& leaf, const setting_site& site, const std::string& table) {
  return {site.file, leaf.line, leaf.column, table + "." + leaf.key};
}

fault invalid(std::string what, std::string remedy, place where) {
  return {"SETTINGS_INVALID", std::move(what), std::move(remedy), std::move(where)};
}

// One merge, step by step; the members that it fills are result_'s.
class channel_merger {
 public:
  channel_merger(const channel_levels& levels, const plugin_schemas& schemas, const manifest_catalogue& plugins,
                 const setting_site& site)
      : levels_(levels), schemas_(schemas), plugins_(plugins), site_(site) {
    const std::string tail = "channels." + levels.channel;
    host_table_ = tail;
    own_table_ = "organizations." + levels.organization + "." + tail;
  }

  merged_channel run() {
    find_plugin();
    find_owned_groups();
    find_preset();
    if (levels_.own) add_layer(*levels_.own, "organization " + levels_.organization, own_table_, false);
    if (levels_.host) add_layer(*levels_.host, "host", host_table_, true);
    add_preset();
    add_defaults();
    sort_barred_last();
    const auto* switched = result_.winner("override");
    result_.enabled = !(switched && switched->leaf.value == json::value(false));
    result_.key.channel = levels_.channel;
    // A view that is switched off is an endpoint of its own, so that its waiting mail holds nobody else's up.
    if (levels_.own && (result_.owns_server || !result_.enabled)) result_.key.organization = levels_.organization;
    find_problems();
    return std::move(result_);
  }

 private:
  const channel_layer& lowest() const { return levels_.own ? *levels_.own : *levels_.host; }

  void find_plugin() {
    result_.plugin = plugin_of(levels_.own, levels_.host, plugins_);
    const auto found = schemas_.find(result_.plugin);
    if (found != schemas_.end()) result_.schema = &found->second;
    // The host's keys are those of another plugin: none of them means anything here.
    foreign_ = levels_.own && levels_.host && plugin_of_layer(levels_.host, plugins_) != result_.plugin;
  }

  bool in_group(const std::string& group, const std::string& key) const {
    return result_.schema ? result_.schema->in_group(group, key) : !is_free_core_key(key);
  }

  void find_owned_groups() {
    if (!levels_.own) return;
    const bool has_server = !result_.schema || result_.schema->whole_is_server ||
                            result_.schema->groups.count(std::string(server_group)) > 0;
    if (result_.schema) {
      for (const auto& group : result_.schema->groups) note_owned(group.first);
    }
    if (has_server) note_owned(std::string(server_group));
    const bool sets_any = std::any_of(levels_.own->leaves.begin(), levels_.own->leaves.end(),
                                      [](const checked_leaf& leaf) { return !is_free_core_key(leaf.key); });
    result_.owns_server = !levels_.host || foreign_ ||
                          std::find(owned_.begin(), owned_.end(), server_group) != owned_.end() ||
                          (!has_server && sets_any);
  }

  void note_owned(const std::string& group) {
    if (std::find(owned_.begin(), owned_.end(), group) != owned_.end()) return;
    for (const auto& leaf : levels_.own->leaves) {
      if (!in_group(group, leaf.key)) continue;
      owned_.push_back(group);
      if (group == server_group) result_.owned_by_key = leaf.key;
      return;
    }
  }

  // Whether the host's value for a key must not be used by this organization.
  bool is_barred(const std::string& key) const {
    if (!levels_.own || is_free_core_key(key)) return false;
    if (foreign_) return true;
    return std::any_of(owned_.begin(), owned_.end(), [&](const std::string& group) { return in_group(group, key); });
  }

  void find_preset() {
    result_.preset = text_of(levels_.own, "preset");
    const bool own_says = levels_.own && std::any_of(levels_.own->leaves.begin(), levels_.own->leaves.end(),
                                                     [](const checked_leaf& leaf) { return leaf.key == "preset"; });
    if (!own_says && !is_barred("preset")) result_.preset = text_of(levels_.host, "preset");
    if (result_.preset.empty()) return;
    const auto found = plugins_.find(result_.preset);
    if (found != plugins_.end() && found->second.preset) result_.preset_data = &*found->second.preset;
  }

  void add_layer(const channel_layer& layer, const std::string& level, const std::string& table, bool of_host) {
    for (const auto& leaf : layer.leaves) {
      // The plugin goes on to the organization: it says whose groups these are, and holds nothing of the host's.
      const bool barred = of_host && is_barred(leaf.key) && !(leaf.key == "plugin" && !foreign_);
      result_.values[leaf.key].push_back({level, leaf, place_of(leaf, site_, table), barred});
    }
  }

  void add_preset() {
    if (!result_.preset_data || !result_.schema) return;
    const setting_site site{"", "preset." + result_.preset + ".defaults", site_.folder};
    faults defects;
    const auto leaves = check_table(to_setting_node(result_.preset_data->defaults), result_.schema->schema, site,
                                    unknown_keys::refuse, defects);
    for (const auto& leaf : leaves) {
      if (is_core_key(leaf.key) && !leaf.key.starts_with("retry.")) continue;
      result_.values[leaf.key].push_back({"preset " + result_.preset, leaf, {}, false});
    }
    if (!defects.empty()) {
      set_problem(invalid("The preset " + result_.preset + " does not fit the plugin " + result_.plugin + ": " +
                              defects.front().to_string(),
                          "Install versions of both that belong together.", layer_place()));
    }
  }

  void add_defaults() {
    if (!result_.schema) return;
    for (const auto& [key, leaf] : result_.schema->defaults)
      result_.values[key].push_back({"default", leaf, {}, false});
  }

  void sort_barred_last() {
    for (auto& [key, candidates] : result_.values) {
      std::stable_partition(candidates.begin(), candidates.end(), [](const candidate& value) { return !value.barred; });
      for (auto& value : candidates) {
        if (value.barred) value.level += " (not used: organization " + levels_.organization + " has its own)";
      }
    }
  }

  place layer_place() const { return lowest().where; }
  place place_at(const std::string& key) const {
    const auto* value = result_.winner(key);
    if (value && value->place.line > 0) return value->place;
    place where = layer_place();
    where.key += "." + key;
    return where;
  }

  void set_problem(fault why) {
    if (!result_.problem) result_.problem = std::move(why);
  }

  void find_problems() {
    if (result_.plugin.empty()) {
      return set_problem(invalid("No level says which plugin serves this channel.", "Set plugin.", place_at("plugin")));
    }
    if (!result_.schema) {
      const auto known = offering(plugins_, TOCSIN_EXT_CHANNEL);
      return set_problem(
          invalid("There is no plugin " + result_.plugin + ", or it was refused.",
                  remedy_for_unknown(result_.plugin, known) + " `tocsin plugin list` says why one is refused.",
                  place_at("plugin")));
    }
    if (!result_.schema->defects.empty()) {
      set_problem(invalid(
          "The manifest of the plugin " + result_.plugin + " is wrong: " + result_.schema->defects.front().to_string(),
          "Install a version of it that is right.", place_at("plugin")));
    }
    if (!result_.preset.empty() && !result_.preset_data) {
      set_problem(invalid("There is no preset " + result_.preset + ", or it was refused.",
                          remedy_for_unknown(result_.preset, presets_for(plugins_, result_.plugin)),
                          place_at("preset")));
    } else if (result_.preset_data && result_.preset_data->channel_plugin != result_.plugin) {
      set_problem(invalid("The preset " + result_.preset + " is for the plugin " + result_.preset_data->channel_plugin +
                              ", and this channel is served by " + result_.plugin + ".",
                          remedy_for_unknown(result_.preset, presets_for(plugins_, result_.plugin)),
                          place_at("preset")));
    }
    find_missing();
    if (result_.preset_data) check_preset_constraints(result_, layer_place(), result_.warnings, result_.problem);
    note_inherited_sender();
  }

  void find_missing() {
    for (const auto& leaf : result_.schema->leaves) {
      if (!leaf.required) continue;
      const auto* value = result_.winner(leaf.key);
      if (value && !value->leaf.value.is_null() && value->leaf.value != json::value("")) continue;
      std::string why = value ? "It must not be empty" : "It is missing";
      if (result_.owns_server && !result_.owned_by_key.empty() && levels_.host && in_group("server", leaf.key)) {
        why += ", and nothing of the host's is used in its place, because organization " + levels_.organization +
               " has a server of its own (it sets " + result_.owned_by_key + ")";
      }
      set_problem(invalid(why + ".", "Set " + leaf.key + " here, or name a preset that gives it.", place_at(leaf.key)));
      return;
    }
  }

  // Mail from the host's address that leaves by the organization's server is often refused or marked as spam.
  void note_inherited_sender() {
    const auto* sender = result_.winner("from_address");
    if (!result_.owns_server || !levels_.host || !levels_.own || !sender || sender->level != "host") return;
    if (sender->leaf.value == json::value("")) return;
    place where = layer_place();
    where.key += ".from_address";
    result_.warnings.push_back(invalid("The sender " + json::serialize(sender->leaf.shown) +
                                           " is the host's, but the mail leaves by a server of organization " +
                                           levels_.organization + ", which may refuse it.",
                                       "Set from_address to an address of that server's.", std::move(where)));
  }

  const channel_levels& levels_;
  const plugin_schemas& schemas_;
  const manifest_catalogue& plugins_;
  const setting_site& site_;
  std::string host_table_;
  std::string own_table_;
  bool foreign_ = false;
  std::vector<std::string> owned_;
  merged_channel result_;
};

bool covers(const std::string& group_key, const std::string& key) {
  return key == group_key ||
         (key.size() > group_key.size() && key.starts_with(group_key) && key[group_key.size()] == '.');
}

}  // namespace

bool plugin_schema::in_group(const std::string& group, const std::string& key) const {
  if (is_free_core_key(key)) return false;
  const bool is_server = group == server_group;
  if (is_server && (whole_is_server || key == "plugin" || key == "preset")) return true;
  const auto found = groups.find(group);
  return found != groups.end() && std::any_of(found->second.begin(), found->second.end(),
                                              [&](const std::string& member) { return covers(member, key); });
}

plugin_schemas make_plugin_schemas(const manifest_catalogue& plugins, const json::object& core,
                                   std::string_view extension) {
  plugin_schemas schemas;
  for (const auto& [id, manifest] : plugins) {
    if (!manifest.provides_extension(extension)) continue;
    auto& made = schemas[id];
    made.manifest = &manifest;
    made.schema = joined_schema(core, manifest.settings);
    made.leaves = leaves_of(made.schema);
    made.groups = manifest.groups;
    bool has_secret = false;
    for (const auto& leaf : made.leaves) {
      has_secret = has_secret || format_of(*leaf.schema) == "secret";
      const auto* standard = leaf.schema->if_contains("default");
      if (!standard || standard->is_null()) continue;
      const auto node = to_setting_node(*standard);
      if (auto value = check_value(node, *leaf.schema, {"", leaf.key, {}}, made.defects)) {
        made.defaults[leaf.key] = {leaf.key, std::move(*value), *standard, 0, 0};
      }
    }
    made.whole_is_server = has_secret && made.groups.count(std::string(server_group)) == 0;
  }
  return schemas;
}

const candidate* merged_channel::winner(const std::string& name) const {
  const auto found = values.find(name);
  if (found == values.end() || found->second.empty() || found->second.front().barred) return nullptr;
  return &found->second.front();
}

merged_channel merge_channel(const channel_levels& levels, const plugin_schemas& schemas,
                             const manifest_catalogue& plugins, const setting_site& site) {
  return channel_merger(levels, schemas, plugins, site).run();
}

std::string plugin_of(const channel_layer* own, const channel_layer* host, const manifest_catalogue& plugins) {
  const std::string named = plugin_of_layer(own, plugins);
  return named.empty() ? plugin_of_layer(host, plugins) : named;
}

std::vector<std::string> offering(const manifest_catalogue& plugins, std::string_view extension) {
  std::vector<std::string> ids;
  for (const auto& [id, manifest] : plugins) {
    if (manifest.provides_extension(extension)) ids.push_back(id);
  }
  return ids;
}

std::vector<std::string> presets_for(const manifest_catalogue& plugins, std::string_view channel_plugin) {
  std::vector<std::string> ids;
  for (const auto& [id, manifest] : plugins) {
    if (manifest.preset && manifest.preset->channel_plugin == channel_plugin) ids.push_back(id);
  }
  return ids;
}

}  // namespace tocsin
