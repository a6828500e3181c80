// Reads the sections of a settings file, in the order in which they need each other.
#include "core/settings/settings_file.hpp"

#include "core/settings/channel_section.hpp"
#include "core/settings/core_schema.hpp"
#include "core/settings/listen_address.hpp"
#include "core/settings/route_section.hpp"
#include "core/settings/section_reader.hpp"
#include "core/settings/suggestion.hpp"
#include "core/settings/table_migration.hpp"
#include "core/settings/time_zone.hpp"

#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/ext/subscriber.h>

#include <boost/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::uintmax_t largest_file = 256u << 20;
constexpr std::chrono::milliseconds shortest_call_limit{100};
constexpr std::chrono::milliseconds longest_call_limit = std::chrono::minutes{1};
constexpr std::chrono::milliseconds shortest_delivery_limit = std::chrono::minutes{1};
constexpr std::chrono::milliseconds longest_delivery_limit = std::chrono::days{7};

// Channels and sources are named in dotted keys and in addresses of the HTTP API.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool is_organization_name(std::string_view name) {
  return !name.empty() && name.size() <= 256 && std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  });
}

void check_time_zone(const section_reader& section, const std::string& zone) {
  if (zone.empty() || is_time_zone(zone)) return;
  section.refuse("time_zone", "There is no time zone \"" + zone + "\".",
                 "Write a name of the IANA list, such as \"UTC\" or \"Europe/Paris\".");
}

class file_reader {
 public:
  explicit file_reader(settings_file& file) : file_(file) {}

  void read() {
    check_top_level();
    file_.host = read_host_section(*file_.document, file_.site, file_.errors, file_.warnings, file_.origins);
    read_http();
    read_event_types();
    read_secret_stores();
    read_channels();
    read_sources();
    read_subscribers();
    read_organizations();
    read_routes(file_);
  }

 private:
  void refuse(int line, int column, std::string key, std::string what, std::string remedy) {
    file_.errors.push_back(
        {"SETTINGS_INVALID", std::move(what), std::move(remedy), {file_.site.file, line, column, std::move(key)}});
  }
  void refuse(const place& where, std::string what, std::string remedy) {
    file_.errors.push_back({"SETTINGS_INVALID", std::move(what), std::move(remedy), where});
  }

  void check_top_level() {
    static const std::vector<std::string> known = {"host",    "plugins",     "http",   "events",        "channels",
                                                   "sources", "subscribers", "routes", "organizations", "secrets"};
    for (const auto& member : *file_.document->as_table()) {
      if (std::find(known.begin(), known.end(), member.name) != known.end()) continue;
      refuse(member.line, member.column, member.name, "There is no setting of this name.",
             remedy_for_unknown(member.name, known));
    }
  }

  // A member that must be a table of tables. Null: not there, or wrong.
  const setting_node* section(const setting_node& parent, std::string_view name, const std::string& key) {
    const auto* member = parent.find(name);
    if (!member) return nullptr;
    if (member->value.as_table()) return &member->value;
    refuse(member->value.line, member->value.column, key,
           "It must be a table, and this is " + std::string(kind_of(member->value)) + ".",
           "Write a table: [" + key + ".NAME].");
    return nullptr;
  }

  setting_site site_at(std::string key) const { return {file_.site.file, std::move(key), file_.site.folder}; }

  void read_http() {
    const auto* table = file_.document->find("http");
    if (table && table->value.find("tls")) {
      const auto* tls = table->value.find("tls");
      refuse(tls->line, tls->column, "http.tls", "This version of Tocsin does not speak TLS on its HTTP address.",
             "Remove it, listen on loopback, and put a proxy that speaks TLS in front.");
    }
    setting_node shown = table ? table->value : setting_node{setting_node::table(), 0, 0};
    if (auto* members = std::get_if<setting_node::table>(&shown.value)) {
      std::erase_if(*members, [](const setting_member& member) { return member.name == "tls"; });
    }
    const section_reader section(table ? &shown : nullptr, http_schema(), site_at("http"), file_.errors);
    file_.http.listen = section.text("listen");
    file_.http.max_body = section.size("max_body");
    file_.http.public_url = section.text("public_url");
    if (auto address = check_listen_address(file_.http.listen, file_.site.folder))
      file_.http.listen = *address;
    else
      section.refuse("listen", address.error().what, address.error().remedy);
    if (file_.http.max_body == 0) section.refuse("max_body", "It must not be 0.", "Write a size such as \"8MiB\".");
    section.note_origins("host", file_.origins);
  }

  void read_event_types() {
    for (const auto& type : built_in_event_types()) {
      const setting_node table = to_setting_node(type.value());
      read_event_type(std::string(type.key()), table, "default");
    }
    const auto* events = section(*file_.document, "events", "events");
    if (!events) return;
    for (const auto& member : *events->as_table()) {
      if (member.name.empty()) {
        refuse(member.line, member.column, "events.\"\"", "A type must not be empty.",
               "Write a type, or \"*\" for all.");
      } else {
        read_event_type(member.name, member.value, "host");
      }
    }
  }

  void read_event_type(const std::string& glob, const setting_node& table, const std::string& level) {
    const section_reader section(&table, event_type_schema(), site_at("events.\"" + glob + "\""), file_.errors);
    auto& types = file_.event_types;
    auto entry = std::find_if(types.begin(), types.end(), [&](const auto& type) { return type.types == glob; });
    if (entry == types.end()) entry = types.insert(types.end(), {glob, {}, {}});
    if (section.value("time_to_live")) {
      entry->time_to_live = section.duration("time_to_live");
      if (entry->time_to_live->count() == 0) {
        section.refuse("time_to_live", "It must not be 0: such an event could never be delivered.",
                       "Write how long it is of use, such as \"15m\".");
      }
    }
    if (const auto* sensitive = section.value("sensitive")) entry->sensitive = sensitive->as_bool();
    origin_map origins;
    section.note_origins(level, origins);
    for (auto& [key, found] : origins) {
      auto& all = file_.origins[key];
      all.insert(all.begin(), found.begin(), found.end());
      if (level == "default") all.front().place = {};
    }
  }

  void read_channels() {
    const auto* channels = section(*file_.document, "channels", "channels");
    if (!channels) return;
    for (const auto& member : *channels->as_table()) {
      const std::string key = "channels." + member.name;
      if (!check_name(member, key)) continue;
      file_.channels.emplace(member.name, read_channel_section(file_, member.value, key, nullptr));
    }
  }

  bool check_name(const setting_member& member, const std::string& key) {
    if (!is_plain_name(member.name)) {
      refuse(member.line, member.column, key, "This name cannot be used here.",
             "Write at most 64 letters, digits, \"_\" and \"-\".");
      return false;
    }
    if (member.value.as_table()) return true;
    refuse(member.value.line, member.value.column, key,
           "It must be a table, and this is " + std::string(kind_of(member.value)) + ".", "Write [" + key + "].");
    return false;
  }

  // What is configured by tables of one level that name their plugin.
  struct plugin_tables {
    std::string name;  // "sources"
    std::string what;  // "source"
    std::string_view extension;
    const json::object& core;
    const plugin_schemas& schemas;
    std::vector<source_entry>& entries;
  };

  void read_sources() {
    read_plugin_tables(
        {"sources", "source", TOCSIN_EXT_SOURCE, source_core_schema(), file_.source_schemas, file_.sources});
  }

  void read_subscribers() {
    read_plugin_tables({"subscribers", "subscriber", TOCSIN_EXT_SUBSCRIBER, subscriber_core_schema(),
                        file_.subscriber_schemas, file_.subscribers});
  }

  // Host level only, and before whatever names their secrets.
  void read_secret_stores() {
    const auto* tables = file_.document->find("secrets");
    if (tables && tables->value.as_table()) {
      for (const auto& member : *tables->value.as_table()) {
        if (is_built_in_scheme(member.name)) {
          refuse(member.line, member.column, "secrets." + member.name,
                 "No secret store can be called \"" + member.name + "\": \"" + member.name +
                     ":\" before the colon of a reference has a meaning of its own.",
                 "Choose another name, such as \"vault\".");
        } else {
          file_.secret_store_names.push_back(member.name);
        }
      }
    }
    read_plugin_tables({"secrets", "secret store", TOCSIN_EXT_SECRETS, secret_store_core_schema(),
                        file_.secret_store_schemas, file_.secret_stores});
  }

  void read_plugin_tables(const plugin_tables& kind) {
    const auto* tables = section(*file_.document, kind.name, kind.name);
    if (!tables) return;
    for (const auto& member : *tables->as_table()) {
      const std::string key = kind.name + "." + member.name;
      if (check_name(member, key)) read_plugin_table(kind, member.name, member.value, key);
    }
  }

  void read_plugin_table(const plugin_tables& kind, const std::string& name, const setting_node& table,
                         const std::string& key) {
    source_entry source;
    source.name = name;
    source.core = &kind.core;
    source.where = {file_.site.file, table.line, table.column, key};
    const auto known = offering(file_.plugins, kind.extension);
    const auto* plugin = table.find("plugin");
    if (plugin && plugin->value.as_string()) source.plugin = *plugin->value.as_string();
    const auto schema = kind.schemas.find(source.plugin);
    if (schema != kind.schemas.end()) source.schema = &schema->second;
    source.leaves = check_table(table, source.schema ? source.schema->schema : kind.core, site_at(key),
                                source.schema ? unknown_keys::refuse : unknown_keys::pass_over, file_.errors);
    place at_plugin = source.where;
    at_plugin.key += ".plugin";
    if (plugin) {
      at_plugin.line = plugin->value.line;
      at_plugin.column = plugin->value.column;
    }
    if (!plugin) {
      refuse(at_plugin, "It is missing: nothing says which plugin this " + kind.what + " is.",
             "Accepted: " + any_of(known) + ".");
    } else if (!source.schema && file_.plugins.count(source.plugin) > 0) {
      refuse(at_plugin, "The plugin " + source.plugin + " is no " + kind.what + ".",
             "Accepted: " + any_of(known) + ".");
    } else if (!source.schema && !source.plugin.empty()) {
      source.problem =
          fault{"SETTINGS_INVALID", "There is no plugin " + source.plugin + ", or it was refused.",
                remedy_for_unknown(source.plugin, known) + " `tocsin plugin list` says why one is refused.", at_plugin};
    }
    complete_source(source);
    kind.entries.push_back(std::move(source));
  }

  // They have one level: what the schema requires must be written here.
  void complete_source(source_entry& source) {
    for (const auto& leaf : source.leaves) {
      if (leaf.key == "organization" && leaf.value.is_string())
        source.organization = std::string(leaf.value.get_string());
      file_.origins[source.where.key + "." + leaf.key].push_back(
          {"host",
           {file_.site.file, leaf.line, leaf.column, source.where.key + "." + leaf.key},
           json::serialize(leaf.shown)});
    }
    if (!source.schema) return;
    note_secrets(file_, source.leaves, *source.schema, source.where.key, source.core == &secret_store_core_schema());
    for (const auto& [key, leaf] : source.schema->defaults) {
      file_.origins[source.where.key + "." + key].push_back({"default", {}, json::serialize(leaf.shown)});
    }
    for (const auto& leaf : source.schema->leaves) {
      if (!leaf.required || file_.origins.count(source.where.key + "." + leaf.key) > 0) continue;
      if (std::any_of(file_.errors.begin(), file_.errors.end(),
                      [&](const fault& why) { return why.place.key == source.where.key + "." + leaf.key; })) {
        continue;  // it is written, and wrong
      }
      place where = source.where;
      where.key += "." + leaf.key;
      refuse(where, "It is missing, and the plugin " + source.plugin + " needs it.", "Write it into this table.");
    }
  }

  void read_organizations() {
    const auto* organizations = section(*file_.document, "organizations", "organizations");
    if (!organizations) return;
    for (const auto& member : *organizations->as_table()) {
      const std::string key = "organizations." + member.name;
      if (!is_organization_name(member.name)) {
        refuse(member.line, member.column, key, "This name cannot be used here.",
               "Write at most 256 characters, none of them a control character.");
      } else if (!member.value.as_table()) {
        refuse(member.value.line, member.value.column, key, "It must be a table.", "Write [" + key + "].");
      } else {
        read_organization(member, key);
      }
    }
  }

  void read_organization(const setting_member& member, const std::string& key) {
    setting_node own{setting_node::table(), member.value.line, member.value.column};
    auto& own_members = std::get<setting_node::table>(own.value);
    for (const auto& setting : *member.value.as_table()) {
      if (setting.name != "channels" && setting.name != "routes") own_members.push_back(setting);
    }
    const section_reader reader(&own, organization_schema(), site_at(key), file_.errors);
    organization_entry entry;
    entry.line = member.line;
    entry.column = member.column;
    entry.settings = {reader.text("language"), reader.text("time_zone")};
    check_time_zone(reader, entry.settings.time_zone);
    reader.note_origins("organization " + member.name, entry.origins);
    if (const auto* channels = section(member.value, "channels", key + ".channels")) {
      for (const auto& channel : *channels->as_table()) {
        const std::string channel_key = key + ".channels." + channel.name;
        if (!check_name(channel, channel_key)) continue;
        const auto host = file_.channels.find(channel.name);
        read_channel_section(file_, channel.value, channel_key, host == file_.channels.end() ? nullptr : &host->second);
        entry.channels.emplace(channel.name, &channel.value);
      }
    }
    file_.organization_names.push_back(member.name);
    file_.organizations.emplace(member.name, std::move(entry));
  }

  settings_file& file_;
};

}  // namespace

namespace {

void read_signatures(const section_reader& section, plugin_settings& plugins) {
  const auto demand = section.text("signed");
  if (demand == "warn") plugins.demand = signed_plugins::warn;
  if (demand == "required") plugins.demand = signed_plugins::required;
  const auto files = section.texts("trusted_keys");
  for (const auto& file : files) {
    if (auto key = read_trusted_key(file)) {
      plugins.trusted_keys.push_back(std::move(*key));
    } else {
      section.refuse("trusted_keys", key.error().what, key.error().remedy);
    }
  }
  if (plugins.demand == signed_plugins::required && files.empty()) {
    section.refuse("signed",
                   "It requires signatures, and no trusted_keys are named, so that no plugin could be loaded.",
                   "Name the public keys of those whose plugins you trust in trusted_keys.");
  }
  if (!files.empty() && !section.is_written("signed")) {
    section.refuse("trusted_keys", "Keys are named, and signed is not, so that nothing would be checked.",
                   "Write signed = \"required\", or \"warn\" or \"off\".");
  }
}

plugin_settings read_plugins_section(const setting_node& document, const setting_site& site, faults& errors,
                                     origin_map& origins) {
  const auto* table = document.find("plugins");
  const section_reader section(table ? &table->value : nullptr, plugins_schema(), {site.file, "plugins", site.folder},
                               errors);
  plugin_settings plugins;
  plugins.call_limit = section.duration("call_limit");
  if (plugins.call_limit < shortest_call_limit || plugins.call_limit > longest_call_limit)
    section.refuse("call_limit", "It must be from 100ms to 1m.", "Write such a time, or take the line out for 5s.");
  plugins.delivery_limit = section.duration("delivery_limit");
  if (plugins.delivery_limit < shortest_delivery_limit || plugins.delivery_limit > longest_delivery_limit)
    section.refuse("delivery_limit", "It must be from 1m to 7d.", "Write such a time, or take the line out for 4h.");
  read_signatures(section, plugins);
  section.note_origins("host", origins);
  return plugins;
}

}  // namespace

void sort_by_place(faults& all) {
  std::stable_sort(all.begin(), all.end(), [](const fault& a, const fault& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
}

host_settings read_host_section(const setting_node& document, const setting_site& site, faults& errors,
                                faults& warnings, origin_map& origins) {
  const auto* table = document.find("host");
  const section_reader section(table ? &table->value : nullptr, host_schema(), {site.file, "host", site.folder},
                               errors);
  host_settings host;
  // A default's path was resolved against the same folder as a written one.
  host.state_dir = section.text("state_dir");
  for (const auto& folder : section.texts("plugin_dirs")) host.plugin_dirs.emplace_back(folder);
  host.language = section.text("language");
  host.time_zone = section.text("time_zone");
  host.retention = section.duration("retention");
  if (const auto* most = section.value("max_sending"); most && most->is_int64())
    host.max_sending = static_cast<std::uint32_t>(most->get_int64());
  check_time_zone(section, host.time_zone);
  if (host.time_zone.empty()) section.refuse("time_zone", "It must not be empty.", "Write \"UTC\" or another zone.");
  for (const auto& folder : host.plugin_dirs) {
    std::error_code error;
    const auto status = std::filesystem::status(folder, error);
    if (status.type() == std::filesystem::file_type::not_found) {
      warnings.push_back({"SETTINGS_INVALID", "The plugin folder " + folder.string() + " is not there.",
                          "Make it, or remove it from the list.", section.where("plugin_dirs")});
    } else if (!error && !std::filesystem::is_directory(status)) {
      section.refuse("plugin_dirs", folder.string() + " is a file, not a folder.",
                     "Name the folder that the plugins are in.");
    }
  }
  section.note_origins("host", origins);
  host.plugins = read_plugins_section(document, site, errors, origins);
  return host;
}

channel_layer settings_file::organization_layer(const std::string& organization, const std::string& channel,
                                                const setting_node& table) const {
  const std::string key = "organizations." + organization + ".channels." + channel;
  const setting_site at{site.file, key, site.folder};
  const auto host_layer = channels.find(channel);
  faults ignored;
  channel_layer layer;
  layer.where = {site.file, table.line, table.column, key};
  layer.leaves = check_table(table, channel_core_schema(), at, unknown_keys::pass_over, ignored);
  const auto plugin = plugin_of(&layer, host_layer == channels.end() ? nullptr : &host_layer->second, plugins);
  const auto schema = channel_schemas.find(plugin);
  if (schema != channel_schemas.end()) {
    layer.leaves = check_table(table, schema->second.schema, at, unknown_keys::refuse, ignored);
  }
  return layer;
}

std::optional<merged_channel> settings_file::merge(const std::string& channel, const std::string& organization) const {
  const auto host_layer = channels.find(channel);
  const auto entry = organizations.find(organization);
  std::optional<channel_layer> own;
  if (entry != organizations.end()) {
    const auto table = entry->second.channels.find(channel);
    if (table != entry->second.channels.end()) own = organization_layer(organization, channel, *table->second);
  }
  channel_levels levels{channel, own ? organization : "", nullptr, own ? &*own : nullptr};
  if (host_layer != channels.end()) levels.host = &host_layer->second;
  if (!levels.host && !levels.own) return std::nullopt;
  return merge_channel(levels, channel_schemas, plugins, site);
}

settings_file read_settings_file(std::string_view toml, const std::filesystem::path& file,
                                 const manifest_catalogue& plugins, const settings_migrator& migrate) {
  settings_file result;
  result.site = {file.string(), "", std::filesystem::absolute(file).parent_path()};
  result.plugins = plugins;
  result.channel_schemas = make_plugin_schemas(result.plugins, channel_core_schema(), TOCSIN_EXT_CHANNEL);
  result.source_schemas = make_plugin_schemas(result.plugins, source_core_schema(), TOCSIN_EXT_SOURCE);
  result.secret_store_schemas = make_plugin_schemas(result.plugins, secret_store_core_schema(), TOCSIN_EXT_SECRETS);
  result.subscriber_schemas = make_plugin_schemas(result.plugins, subscriber_core_schema(), TOCSIN_EXT_SUBSCRIBER);
  auto document = parse_toml(toml, result.site.file);
  if (!document) {
    result.errors.push_back(document.error());
    return result;
  }
  migrate_tables(*document, result, migrate);
  result.document = std::make_unique<const setting_node>(std::move(*document));
  file_reader(result).read();
  if (result.errors.empty()) {
    // Warnings of the merge: what presets say, and senders that do not belong to their server.
    for (const auto& [name, layer] : result.channels) {
      const auto merged = result.merge(name, "");
      result.warnings.insert(result.warnings.end(), merged->warnings.begin(), merged->warnings.end());
    }
    // An organization's view repeats those warnings of the host's that hold for it, too.
    const std::size_t of_host = result.warnings.size();
    for (const auto& name : result.organization_names) {
      for (const auto& [channel, table] : result.organizations.at(name).channels) {
        const auto merged = result.merge(channel, name);
        for (const auto& warning : merged->warnings) {
          const auto end = result.warnings.begin() + static_cast<std::ptrdiff_t>(of_host);
          if (std::find(result.warnings.begin(), end, warning) == end) result.warnings.push_back(warning);
        }
      }
    }
  }
  sort_by_place(result.errors);
  sort_by_place(result.warnings);
  return result;
}

result<std::string> read_text_file(const std::filesystem::path& file) {
  const auto refuse = [&](std::string what) {
    return fault{"SETTINGS_INVALID",
                 std::move(what),
                 "Give the settings file by --config, and the right to read it.",
                 {file.string(), 0, 0, ""}};
  };
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) return refuse("This is a folder, not a settings file.");
  const auto size = std::filesystem::file_size(file, error);
  if (!error && size > largest_file) return refuse("The settings file is larger than 256 MiB.");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return refuse("The settings file cannot be opened.");
  std::ostringstream text;
  text << stream.rdbuf();
  if (stream.bad() || text.bad()) return refuse("The settings file cannot be read.");
  return std::move(text).str();
}

}  // namespace tocsin
