// Checks a channel's table: keys by the plugin's schema, plugin, preset, retry times, secrets.
#include "core/settings/channel_section.hpp"

#include "core/settings/core_schema.hpp"
#include "core/settings/suggestion.hpp"

#include <tocsin/abi/ext/channel.h>

#include <boost/json.hpp>

#include <algorithm>

namespace tocsin {
namespace {

namespace json = boost::json;

class channel_reader {
 public:
  explicit channel_reader(settings_file& file) : file_(file) {}

  // Checks one level's table of a channel. above: the host's; null if this is the host's, or there is none.
  channel_layer read(const setting_node& table, const std::string& key, const channel_layer* above) {
    const setting_site site{file_.site.file, key, file_.site.folder};
    channel_layer layer;
    layer.where = {file_.site.file, table.line, table.column, key};
    faults ignored;
    layer.leaves = check_table(table, channel_core_schema(), site, unknown_keys::pass_over, ignored);
    const std::string plugin = plugin_of(&layer, above, file_.plugins);
    const auto schema = file_.channel_schemas.find(plugin);
    const bool known = schema != file_.channel_schemas.end();
    layer.leaves = check_table(table, known ? schema->second.schema : channel_core_schema(), site,
                               known ? unknown_keys::refuse : unknown_keys::pass_over, file_.errors);
    check_plugin(layer, plugin, above);
    check_preset(layer, plugin);
    check_retry(layer);
    if (known) note_secrets(file_, layer.leaves, schema->second, key);
    return layer;
  }

 private:
  const checked_leaf* leaf_of(const channel_layer& layer, std::string_view key) const {
    for (const auto& leaf : layer.leaves) {
      if (leaf.key == key) return &leaf;
    }
    return nullptr;
  }

  place leaf_place(const channel_layer& layer, std::string_view key) const {
    place where = layer.where;
    if (const auto* leaf = leaf_of(layer, key)) {
      where.line = leaf->line;
      where.column = leaf->column;
    }
    where.key += "." + std::string(key);
    return where;
  }

  void check_plugin(const channel_layer& layer, const std::string& plugin, const channel_layer* above) {
    const auto known = offering(file_.plugins, TOCSIN_EXT_CHANNEL);
    if (plugin.empty()) {
      if (!leaf_of(layer, "plugin") && !leaf_of(layer, "preset") && !above) {
        refuse(leaf_place(layer, "plugin"), "It is missing: nothing says which plugin serves this channel.",
               "Accepted: " + any_of(known) + ".");
      }
    } else if (leaf_of(layer, "plugin") && file_.plugins.count(plugin) > 0 &&
               file_.channel_schemas.count(plugin) == 0) {
      refuse(leaf_place(layer, "plugin"), "The plugin " + plugin + " is no channel.",
             "Accepted: " + any_of(known) + ".");
    }
  }

  void check_preset(const channel_layer& layer, const std::string& plugin) {
    const auto* leaf = leaf_of(layer, "preset");
    if (!leaf || !leaf->value.is_string() || leaf->value.get_string().empty()) return;
    const std::string preset(leaf->value.get_string());
    const auto found = file_.plugins.find(preset);
    if (found == file_.plugins.end()) return;
    const std::string accepted = "Accepted: " + any_of(presets_for(file_.plugins, plugin)) + ".";
    if (!found->second.preset) {
      refuse(leaf_place(layer, "preset"), "The plugin " + preset + " is no preset.", accepted);
    } else if (found->second.preset->channel_plugin != plugin) {
      refuse(leaf_place(layer, "preset"),
             "The preset " + preset + " is for channels of the plugin " + found->second.preset->channel_plugin +
                 ", and this one is served by " + plugin + ".",
             accepted);
    }
  }

  void check_retry(const channel_layer& layer) {
    const auto* first = leaf_of(layer, "retry.first");
    const auto* most = leaf_of(layer, "retry.max");
    const auto is_zero = [](const checked_leaf* leaf) { return leaf && leaf->value == json::value(0); };
    for (const auto* leaf : {first, most}) {
      if (!is_zero(leaf)) continue;
      refuse(leaf_place(layer, leaf->key), "It must not be 0: the server would be asked again without end.",
             "Write a time such as \"30s\".");
    }
    if (first && most && first->value.is_int64() && most->value.is_int64() &&
        first->value.get_int64() > most->value.get_int64()) {
      refuse(leaf_place(layer, "retry.first"), "The first wait is longer than the longest, retry.max.",
             "Write a first that is not longer than max.");
    }
  }

  void refuse(const place& where, std::string what, std::string remedy) {
    file_.errors.push_back({"SETTINGS_INVALID", std::move(what), std::move(remedy), where});
  }

  settings_file& file_;
};

}  // namespace

channel_layer read_channel_section(settings_file& file, const setting_node& table, const std::string& key,
                                   const channel_layer* above) {
  return channel_reader(file).read(table, key, above);
}

namespace {

// Why a store's secret cannot be named here; never repeats what is written, which may be the secret itself.
std::optional<fault> misplaced(const settings_file& file, const secret_reference& reference, bool of_store) {
  if (reference.where != secret_reference::place::plugin) return std::nullopt;
  if (of_store) {
    return fault{"SETTINGS_INVALID", "A secret store's own settings cannot name a secret that a store keeps.",
                 "Keep it in env:NAME, file:PATH or credential:NAME."};
  }
  const auto& known = file.secret_store_names;
  if (std::find(known.begin(), known.end(), reference.store) != known.end()) return std::nullopt;
  auto schemes = known;
  for (const char* scheme : {"env", "file", "credential"}) schemes.emplace_back(scheme);
  const auto meant = nearest(reference.store, schemes);
  return fault{"SETTINGS_INVALID", "There is no secret store of the name that stands before the colon.",
               (meant.empty() ? "" : "Did you mean \"" + meant + ":\"? ") + std::string(secret_remedy)};
}

}  // namespace

void note_secrets(settings_file& file, const std::vector<checked_leaf>& leaves, const plugin_schema& schema,
                  const std::string& key, bool of_store) {
  for (const auto& leaf : leaves) {
    const auto described = std::find_if(schema.leaves.begin(), schema.leaves.end(),
                                        [&](const schema_leaf& candidate) { return candidate.key == leaf.key; });
    if (described == schema.leaves.end()) continue;
    const place where{file.site.file, leaf.line, leaf.column, key + "." + leaf.key};
    replace_secrets(leaf.value, *described->schema, [&](const std::string& text) -> json::value {
      const auto reference = parse_secret_reference(text, file.site.folder);
      if (!reference) return nullptr;
      if (auto why = misplaced(file, *reference, of_store)) {
        why->place = where;
        file.errors.push_back(*std::move(why));
        return nullptr;
      }
      file.secrets.emplace(handle_of(*reference), *reference);
      if (is_readable_by_others(*reference)) {
        file.warnings.push_back({"SETTINGS_INVALID",
                                 "Everybody on this machine can read the secret's file " + reference->name + ".",
                                 "Take that right away: chmod o-r " + reference->name + ".", where});
      }
      return nullptr;
    });
  }
}

}  // namespace tocsin
