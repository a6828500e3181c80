// Finds the tables that their plugins' schemas refuse, and puts what the plugins make of them in their place.
#include "core/settings/table_migration.hpp"

#include "core/settings/core_schema.hpp"

#include <tocsin/abi/ext/config.h>

#include <boost/json.hpp>

#include <algorithm>

namespace tocsin {
namespace {

namespace json = boost::json;

// What is the same for all tables of one kind.
struct table_kind {
  const char* name;  // "channels"
  const json::object& core;
  const plugin_schemas& schemas;
  bool one_level;  // what the schema requires must stand in the table
};

std::string text_at(const setting_node* table, std::string_view name) {
  const auto* member = table != nullptr ? table->find(name) : nullptr;
  const auto* text = member != nullptr ? member->value.as_string() : nullptr;
  return text != nullptr ? *text : "";
}

// The deepest member that a dotted key names, or the table itself.
const setting_node& node_at(const setting_node& table, std::string_view key) {
  const setting_node* at = &table;
  while (!key.empty() && at->as_table() != nullptr) {
    const auto dot = std::min(key.find('.'), key.size());
    const auto* member = at->find(key.substr(0, dot));
    if (member == nullptr) break;
    at = &member->value;
    key.remove_prefix(std::min(dot + 1, key.size()));
  }
  return *at;
}

void place_at(setting_node& node, int line, int column) {
  node.line = line;
  node.column = column;
  if (auto* items = std::get_if<setting_node::array>(&node.value)) {
    for (auto& item : *items) place_at(item, line, column);
  } else if (auto* members = std::get_if<setting_node::table>(&node.value)) {
    for (auto& member : *members) {
      member.line = line;
      member.column = column;
      place_at(member.value, line, column);
    }
  }
}

class table_migrator {
 public:
  table_migrator(settings_file& file, const settings_migrator& migrate) : file_(file), migrate_(migrate) {}

  void channels_of(setting_node& level, const setting_node* above, const std::string& organization,
                   const std::string& key) {
    const table_kind kind{"channels", channel_core_schema(), file_.channel_schemas, false};
    for_each_table(level, kind.name, [&](const std::string& name, setting_node& table) {
      const setting_node& host = above != nullptr ? node_at(*above, name) : table;
      std::string plugin = plugin_named_by(table);
      if (plugin.empty() && above != nullptr && &host != above) plugin = plugin_named_by(host);
      look_at(kind, table, plugin, name, organization, key + "channels." + name);
    });
  }

  void sources_of(setting_node& document, const char* section, const json::object& core,
                  const plugin_schemas& schemas) {
    const table_kind kind{section, core, schemas, true};
    for_each_table(document, kind.name, [&](const std::string& name, setting_node& table) {
      look_at(kind, table, text_at(&table, "plugin"), name, "", std::string(kind.name) + "." + name);
    });
  }

  template <class Function>
  static void for_each_table(setting_node& parent, std::string_view section, Function function) {
    auto* members = std::get_if<setting_node::table>(&parent.value);
    if (members == nullptr) return;
    for (auto& member : *members) {
      auto* tables = member.name == section ? std::get_if<setting_node::table>(&member.value.value) : nullptr;
      if (tables == nullptr) continue;
      for (auto& table : *tables)
        if (table.value.as_table() != nullptr) function(table.name, table.value);
    }
  }

 private:
  std::string plugin_named_by(const setting_node& table) const {
    if (auto named = text_at(&table, "plugin"); !named.empty()) return named;
    const auto preset = file_.plugins.find(text_at(&table, "preset"));
    return preset != file_.plugins.end() && preset->second.preset ? preset->second.preset->channel_plugin : "";
  }

  static bool is_core(const table_kind& kind, const std::string& name) {
    return kind.core.at("properties").as_object().contains(name);
  }

  // The first thing that the schema says against the plugin's part of the table.
  std::optional<fault> unfit(const table_kind& kind, const plugin_schema& schema, const setting_node& own,
                             const std::string& key) const {
    faults errors;
    const auto leaves =
        check_table(own, schema.schema, {file_.site.file, key, file_.site.folder}, unknown_keys::refuse, errors);
    if (!errors.empty()) return errors.front();
    if (!kind.one_level) return std::nullopt;
    for (const auto& leaf : schema.leaves) {
      if (!leaf.required || is_core(kind, leaf.key.substr(0, leaf.key.find('.'))) || schema.defaults.contains(leaf.key))
        continue;
      if (std::any_of(leaves.begin(), leaves.end(), [&](const auto& written) { return written.key == leaf.key; }))
        continue;
      return fault{
          "SETTINGS_INVALID", "It is missing.", {}, {file_.site.file, own.line, own.column, key + "." + leaf.key}};
    }
    return std::nullopt;
  }

  void look_at(const table_kind& kind, setting_node& table, const std::string& plugin, const std::string& name,
               const std::string& organization, const std::string& key) {
    const auto found = kind.schemas.find(plugin);
    if (found == kind.schemas.end() || !found->second.manifest->provides_extension(TOCSIN_EXT_CONFIG)) return;
    const plugin_schema& schema = found->second;
    setting_node own{setting_node::table(), table.line, table.column};
    setting_node::table of_host;
    for (const auto& member : *table.as_table())
      (is_core(kind, member.name) ? of_host : std::get<setting_node::table>(own.value)).push_back(member);
    if (!unfit(kind, schema, own, key)) return;
    const auto made = migrate_({plugin, kind.name, name, organization, to_json_value(own).as_object()});
    if (!made) {  // what the schema says stands
      if (made.error().code != "CONFIG_UNKNOWN") refuse(own, key, made.error().what, made.error().remedy);
      return;
    }
    const auto mended = merged(kind, *made, own);
    if (const auto why = unfit(kind, schema, mended, key)) {
      refuse(own, key,
             "The plugin " + plugin +
                 " knows these settings as an older version's, but what it makes of them is wrong: " + why->place.key +
                 ": " + why->what);
      return;
    }
    report(*made, own, key, plugin);
    table.value = std::move(of_host);
    auto& all = std::get<setting_node::table>(table.value);
    for (const auto& member : *mended.as_table()) all.push_back(member);
  }

  // What the plugin made, with the places of what it did not touch.
  static setting_node merged(const table_kind& kind, const migrated_table& made, const setting_node& own) {
    setting_node table{setting_node::table(), own.line, own.column};
    auto& members = std::get<setting_node::table>(table.value);
    for (const auto& [name, value] : made.settings) {
      if (is_core(kind, name)) continue;  // these are the host's to decide
      const auto* before = own.find(name);
      if (before != nullptr && to_json_value(before->value) == value) {
        members.push_back(*before);
        continue;
      }
      members.push_back({std::string(name), to_setting_node(value), 0, 0});
      const setting_node& near = before != nullptr ? before->value : own;
      place_at(members.back().value, near.line, near.column);
      members.back().line = near.line;
      members.back().column = near.column;
    }
    return table;
  }

  void report(const migrated_table& made, const setting_node& own, const std::string& key, const std::string& plugin) {
    const std::string remedy =
        "Write it so in the file, which is left as it is; `tocsin config show` has the table in today's form.";
    for (const auto& change : made.changes) warn(own, key, change.key, change.text, remedy);
    if (made.changes.empty())
      warn(own, key, "",
           "These settings are an older version's of the plugin " + plugin + ", which brought them up to date.",
           remedy);
  }

  // Beside what the schema says against the table as it is written.
  void refuse(const setting_node& own, const std::string& key, std::string what, std::string remedy = {}) {
    if (remedy.empty()) remedy = "Write the table in today's form, and tell the plugin's author.";
    file_.errors.push_back(
        {"SETTINGS_INVALID", std::move(what), std::move(remedy), {file_.site.file, own.line, own.column, key}});
  }

  void warn(const setting_node& own, const std::string& table, const std::string& key, std::string what,
            std::string remedy) {
    const setting_node& at = node_at(own, key);
    file_.warnings.push_back({"SETTINGS_INVALID",
                              std::move(what),
                              std::move(remedy),
                              {file_.site.file, at.line, at.column, key.empty() ? table : table + "." + key}});
  }

  settings_file& file_;
  const settings_migrator& migrate_;
};

}  // namespace

void migrate_tables(setting_node& document, settings_file& file, const settings_migrator& migrate) {
  if (!migrate || offering(file.plugins, TOCSIN_EXT_CONFIG).empty()) return;
  table_migrator migrator(file, migrate);
  migrator.channels_of(document, nullptr, "", "");
  migrator.sources_of(document, "sources", source_core_schema(), file.source_schemas);
  migrator.sources_of(document, "subscribers", subscriber_core_schema(), file.subscriber_schemas);
  migrator.sources_of(document, "secrets", secret_store_core_schema(), file.secret_store_schemas);
  const auto* host = document.find("channels");
  table_migrator::for_each_table(document, "organizations", [&](const std::string& name, setting_node& organization) {
    migrator.channels_of(organization, host != nullptr ? &host->value : nullptr, name, "organizations." + name + ".");
  });
}

}  // namespace tocsin
