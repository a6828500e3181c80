// Makes effective settings of endpoints and sources.
#include "core/settings/endpoint_resolver.hpp"

#include "core/observe/log.hpp"
#include "core/runtime/wipe.hpp"
#include "core/settings/core_schema.hpp"
#include "core/settings/fingerprint.hpp"

#include <boost/json.hpp>

#include <unistd.h>

#include <algorithm>

namespace tocsin {
namespace {

namespace json = boost::json;

bool is_core_key(const json::object& core, std::string_view key) {
  return core.at("properties").as_object().contains(key.substr(0, key.find('.')));
}

// Puts handles in the place of secrets and notes their values in the fingerprints.
class secret_replacer {
 public:
  secret_replacer(const settings_file& file, const secret_access& access) : file_(file), access_(access) {}

  // fingerprints: those that the value is part of. where: of the setting, for its fault.
  json::value replace(const json::value& value, const json::object& schema, const place& where,
                      std::initializer_list<fingerprint_maker*> fingerprints) {
    for (auto* fingerprint : fingerprints)
      fingerprint->add(where.key.substr(where.key.rfind('.') + 1)).add(json::serialize(value));
    return replace_secrets(value, schema, [&](const std::string& text) -> json::value {
      const auto reference = parse_secret_reference(text, file_.site.folder);
      if (!reference) return nullptr;
      const auto handle = handle_of(*reference);
      access_.note(handle, *reference);
      if (reference->where == secret_reference::place::plugin && !access_.stores) {
        for (auto* fingerprint : fingerprints) fingerprint->add("not asked").add("");
        return json::object{{"secret", handle}};
      }
      auto secret = read_secret(*reference, access_.stores);
      for (auto* fingerprint : fingerprints)
        fingerprint->add(secret ? "read" : "unreadable").add(secret ? std::string_view(*secret) : std::string_view());
      if (secret) {
        log::add_secret(*secret);
        wipe(*secret);
      } else if (!problem) {
        problem = secret.error();
        problem->place = where;
      }
      return json::object{{"secret", handle}};
    });
  }

  std::optional<fault> problem;

 private:
  const settings_file& file_;
  const secret_access& access_;
};

place place_of(const merged_channel& channel, const std::string& key, const settings_file& file) {
  const auto* value = channel.winner(key);
  if (value && value->place.line > 0) return value->place;
  return {file.site.file, 0, 0, "channels." + channel.key.channel + "." + key};
}

std::chrono::milliseconds duration_of(const merged_channel& channel, const std::string& key,
                                      std::chrono::milliseconds otherwise) {
  const auto* value = channel.winner(key);
  return value && value->leaf.value.is_int64() ? std::chrono::milliseconds(value->leaf.value.get_int64()) : otherwise;
}

retry_settings retry_of(const merged_channel& channel) {
  retry_settings retry;
  retry.first = duration_of(channel, "retry.first", retry.first);
  // Levels may each set one of the two; the longest wait is never the shorter one.
  retry.max = std::max(duration_of(channel, "retry.max", retry.max), retry.first);
  retry.give_up = duration_of(channel, "retry.give_up", retry.give_up);
  return retry;
}

// The keys that the manifest asks to read the files of: "read: setting:tls.ca_file,tls.crl_files".
std::vector<std::string> keys_to_read(const manifest& plugin) {
  constexpr std::string_view start = "read: setting:";
  std::vector<std::string> keys;
  for (const auto& capability : plugin.capabilities) {
    if (!capability.starts_with(start)) continue;
    std::string_view rest = std::string_view(capability).substr(start.size());
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      keys.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return keys;
}

// The files that a setting names: one path, or several.
std::vector<std::string> paths_in(const json::value& value) {
  std::vector<std::string> paths;
  const auto add = [&](const json::value& path) {
    if (path.is_string() && !path.get_string().empty()) paths.emplace_back(path.get_string());
  };
  add(value);
  if (const auto* items = value.if_array()) std::for_each(items->begin(), items->end(), add);
  return paths;
}

std::optional<fault> unreadable_file(const merged_channel& channel, const std::vector<std::string>& keys,
                                     const settings_file& file) {
  for (const auto& key : keys) {
    const auto* value = channel.winner(key);
    if (!value) continue;
    for (const auto& path : paths_in(value->leaf.value)) {
      if (::access(path.c_str(), R_OK) == 0) continue;
      return fault{"SETTINGS_INVALID", "The file " + path + " is not there, or cannot be read.",
                   "Correct the path, or give the user who runs Tocsin the right to read it.",
                   place_of(channel, key, file)};
    }
  }
  return std::nullopt;
}

}  // namespace

resolved_endpoint resolve_endpoint(const merged_channel& channel, const std::string& organization,
                                   const settings_file& file, const secret_access& access) {
  auto made = std::make_shared<endpoint_settings>();
  made->key = channel.key;
  made->organization = organization;
  made->plugin = channel.plugin;
  made->preset = channel.preset;
  made->enabled = channel.enabled;
  if (channel.preset_data) made->preset_data = channel.preset_data->json;

  fingerprint_maker whole, server;
  const std::string preset_text = json::serialize(made->preset_data);
  for (auto* fingerprint : {&whole, &server}) {
    fingerprint->add(made->key.channel).add(made->key.organization);
    fingerprint->add(made->plugin).add(made->preset).add(preset_text);
  }
  whole.add(made->enabled ? "on" : "off");

  secret_replacer secrets(file, access);
  const auto read_keys = channel.schema ? keys_to_read(*channel.schema->manifest) : std::vector<std::string>{};
  if (channel.schema) {
    const bool all_is_server = channel.schema->groups.count("server") == 0;
    for (const auto& leaf : channel.schema->leaves) {
      if (is_core_key(channel_core_schema(), leaf.key)) continue;
      const auto* winner = channel.winner(leaf.key);
      const json::value value = winner ? winner->leaf.value : json::value(nullptr);
      const place where = place_of(channel, leaf.key, file);
      const bool of_server = all_is_server || channel.schema->in_group("server", leaf.key);
      set_at(made->settings, leaf.key,
             of_server ? secrets.replace(value, *leaf.schema, where, {&whole, &server})
                       : secrets.replace(value, *leaf.schema, where, {&whole}));
      // A plugin reads these when an endpoint is opened: what they hold is part of the settings.
      if (std::find(read_keys.begin(), read_keys.end(), leaf.key) == read_keys.end()) continue;
      for (const auto& path : paths_in(value)) {
        const std::string content = fingerprint_of_file(path);
        whole.add(content);
        if (of_server) server.add(content);
      }
    }
  }
  // A problem that has gone is a change, too: a pause that was made for it ends.
  const auto unreadable = channel.schema ? unreadable_file(channel, read_keys, file) : std::nullopt;
  for (auto* fingerprint : {&whole, &server}) fingerprint->add(unreadable ? unreadable->what : "");
  whole.add(channel.problem ? channel.problem->what : "");
  made->fingerprint = whole.finish();
  made->server_fingerprint = server.finish();
  made->problem = channel.problem ? channel.problem : secrets.problem ? secrets.problem : unreadable;
  return {std::move(made), retry_of(channel)};
}

source_settings resolve_source(const source_entry& source, const settings_file& file, const secret_access& access) {
  source_settings made;
  made.name = source.name;
  made.plugin = source.plugin;
  made.organization = source.organization;
  made.problem = source.problem;
  fingerprint_maker fingerprint;
  fingerprint.add(made.name).add(made.plugin).add(made.organization);
  if (source.schema) {
    secret_replacer secrets(file, access);
    for (const auto& leaf : source.schema->leaves) {
      if (is_core_key(*source.core, leaf.key)) continue;
      const auto written = std::find_if(source.leaves.begin(), source.leaves.end(),
                                        [&](const checked_leaf& candidate) { return candidate.key == leaf.key; });
      const auto standard = source.schema->defaults.find(leaf.key);
      json::value value = nullptr;
      place where = source.where;
      where.key += "." + leaf.key;
      if (written != source.leaves.end()) {
        value = written->value;
        where.line = written->line;
        where.column = written->column;
      } else if (standard != source.schema->defaults.end()) {
        value = standard->second.value;
      }
      set_at(made.settings, leaf.key, secrets.replace(value, *leaf.schema, where, {&fingerprint}));
    }
    if (!made.problem) made.problem = secrets.problem;
    if (!made.problem && !source.schema->defects.empty()) made.problem = source.schema->defects.front();
  }
  made.fingerprint = fingerprint.finish();
  return made;
}

subscriber_settings resolve_subscriber(const source_entry& subscriber, const settings_file& file,
                                       const secret_access& access) {
  subscriber_settings made{resolve_source(subscriber, file, access), {}, {}};
  fingerprint_maker fingerprint;
  fingerprint.add(std::to_string(made.fingerprint));
  for (const checked_leaf& leaf : subscriber.leaves) {
    if (leaf.key == "types" && leaf.value.is_array()) {
      for (const json::value& glob : leaf.value.get_array()) made.types.emplace_back(glob.as_string());
    } else if (leaf.key == "severity" && leaf.value.is_string()) {
      made.minimum_severity = parse_severity(leaf.value.get_string());
    } else {
      continue;
    }
    fingerprint.add(leaf.key).add(json::serialize(leaf.value));
  }
  made.fingerprint = fingerprint.finish();
  return made;
}

}  // namespace tocsin
