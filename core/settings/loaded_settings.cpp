// The snapshot of settings that the rest of the host asks.
#include "core/observe/log.hpp"
#include "core/settings/endpoint_resolver.hpp"
#include "core/settings/settings.hpp"
#include "core/settings/settings_file.hpp"
#include "core/settings/suggestion.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <mutex>
#include <set>
#include <shared_mutex>

namespace tocsin {
namespace {

namespace json = boost::json;

class settings_snapshot final : public settings {
 public:
  explicit settings_snapshot(std::shared_ptr<const settings_file> file, secret_lookup stores = {})
      : parsed_(std::move(file)), file_(*parsed_), stores_(std::move(stores)), secrets_(file_.secrets) {
    std::set<std::string> names;
    for (const auto& [name, layer] : file_.channels) names.insert(name);
    for (const auto& [organization, entry] : file_.organizations) {
      for (const auto& [name, table] : entry.channels) names.insert(name);
    }
    channel_names_.assign(names.begin(), names.end());
    const auto access = secrets();
    for (const auto& one : file_.sources) sources_.push_back(resolve_source(one, file_, access));
    for (const auto& one : file_.subscribers) subscribers_.push_back(resolve_subscriber(one, file_, access));
    for (const auto& one : file_.secret_stores) secret_stores_.push_back(resolve_source(one, file_, access));
  }

  const host_settings& host() const override { return file_.host; }
  const http_settings& http() const override { return file_.http; }
  const std::vector<route>& routes() const override { return file_.routes; }
  const std::vector<source_settings>& sources() const override { return sources_; }
  const std::vector<subscriber_settings>& subscribers() const override { return subscribers_; }
  const std::vector<source_settings>& secret_stores() const override { return secret_stores_; }
  const std::vector<event_type_settings>& event_types() const override { return file_.event_types; }
  const faults& warnings() const override { return file_.warnings; }
  std::vector<std::string> organizations() const override { return file_.organization_names; }

  std::vector<std::string> channels() const override { return channel_names_; }

  organization_settings organization(const std::string& name) const override {
    organization_settings found;
    if (const auto entry = file_.organizations.find(name); entry != file_.organizations.end()) {
      found = entry->second.settings;
    }
    if (found.language.empty()) found.language = file_.host.language;
    if (found.time_zone.empty()) found.time_zone = file_.host.time_zone;
    return found;
  }

  result<endpoint_settings_ptr> endpoint(const std::string& channel, const std::string& organization) const override {
    const auto found = resolve(channel, organization);
    if (found) return found->endpoint;
    return fault{"CHANNEL_UNKNOWN",
                 "There is no channel \"" + channel + "\"" +
                     (organization.empty() ? "." : " for organization " + organization + "."),
                 remedy_for_unknown(channel, channel_names_),
                 {file_.site.file, 0, 0, "channels." + channel}};
  }

  retry_settings retry(const endpoint_settings& endpoint) const override {
    const auto found = resolve(endpoint.key.channel, endpoint.organization);
    return found ? found->retry : retry_settings{};
  }

  result<std::string> secret(std::uint64_t handle) const override {
    std::optional<secret_reference> reference;
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = secrets_.find(handle); found != secrets_.end()) reference = found->second;
    }
    if (!reference) {
      return fault{"SETTINGS_INVALID",
                   "The settings in force do not name this secret any more.",
                   "Open the endpoint again with its present settings.",
                   {}};
    }
    if (reference->where == secret_reference::place::plugin && !stores_) {
      return fault{"SETTINGS_INVALID", "The secret store \"" + reference->store + "\" has not been asked yet.", "", {}};
    }
    auto value = read_secret(*reference, stores_);
    if (value) log::add_secret(*value);
    return value;
  }

  std::vector<stored_secret> stored_secrets() const override {
    std::vector<stored_secret> all;
    for (const auto& [handle, reference] : file_.secrets) {
      if (reference.where == secret_reference::place::plugin) all.push_back({reference.store, reference.name});
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  settings_ptr with_stores(secret_lookup stores) const override {
    return std::make_shared<settings_snapshot>(parsed_, std::move(stores));
  }

  std::vector<setting_origin> why(const std::string& asked, const std::string& asked_organization) const override {
    std::string key = asked;
    std::string organization = asked_organization;
    split_organization(key, organization);
    if (key.starts_with("channels.")) return why_channel(key, organization);
    std::vector<setting_origin> origins;
    if (key.starts_with("host.") || key == "language" || key == "time_zone") {
      const std::string name = key.substr(key.find('.') == std::string::npos ? 0 : 5);
      const auto entry = file_.organizations.find(organization);
      if (entry != file_.organizations.end()) {
        const auto own = entry->second.origins.find("organizations." + organization + "." + name);
        if (own != entry->second.origins.end()) origins = own->second;
      }
      key = "host." + name;
    }
    if (const auto found = file_.origins.find(key); found != file_.origins.end()) {
      origins.insert(origins.end(), found->second.begin(), found->second.end());
    }
    return origins;
  }

  json::object show(const std::string& organization) const override {
    json::object all;
    for (const auto& [key, origins] : file_.origins) {
      if (!key.starts_with("events.") && !key.starts_with("sources.") && !key.starts_with("subscribers.") &&
          !key.starts_with("secrets."))
        set_at(all, key, json::parse(origins.front().shown));
    }
    const auto own = this->organization(organization);
    auto& host = all["host"].as_object();
    host["state_dir"] = file_.host.state_dir.string();
    host["language"] = own.language;
    host["time_zone"] = own.time_zone;
    all["events"] = show_event_types();
    all["channels"] = show_channels(organization);
    std::vector<const source_settings*> sources, subscribers, stores;
    for (const auto& one : sources_) sources.push_back(&one);
    for (const auto& one : subscribers_) subscribers.push_back(&one);
    for (const auto& one : secret_stores_) stores.push_back(&one);
    all["secrets"] = show_plugin_tables(file_.secret_stores, stores, "");
    all["sources"] = show_plugin_tables(file_.sources, sources, organization);
    all["subscribers"] = show_plugin_tables(file_.subscribers, subscribers, organization);
    all["routes"] = show_routes(organization);
    return all;
  }

 private:
  struct view_key {
    std::string channel, organization;
    bool operator==(const view_key&) const = default;
  };
  struct view_hash {
    std::size_t operator()(const view_key& key) const {
      return std::hash<std::string>{}(key.channel) * 31 + std::hash<std::string>{}(key.organization);
    }
  };

  secret_access secrets() const {
    return {[this](std::uint64_t handle, const secret_reference& reference) {
              const std::unique_lock lock(mutex_);
              secrets_.emplace(handle, reference);
            },
            stores_};
  }

  // An organization that sets nothing of a channel has the host's own view: 100,000 of them cost nothing.
  std::string view_of(const std::string& channel, const std::string& organization) const {
    const auto entry = file_.organizations.find(organization);
    return entry != file_.organizations.end() && entry->second.channels.count(channel) > 0 ? organization : "";
  }

  std::optional<resolved_endpoint> resolve(const std::string& channel, const std::string& organization) const {
    const view_key key{channel, view_of(channel, organization)};
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = views_.find(key); found != views_.end()) return found->second;
    }
    const auto merged = file_.merge(key.channel, key.organization);
    if (!merged) return std::nullopt;
    auto made = resolve_endpoint(*merged, key.organization, file_, secrets());
    const std::unique_lock lock(mutex_);
    return views_.emplace(key, std::move(made)).first->second;  // the first one wins, should two have made it
  }

  // "organizations.acme.channels.email.host" asks the same as "channels.email.host" for acme. Names may contain dots.
  void split_organization(std::string& key, std::string& organization) const {
    constexpr std::string_view start = "organizations.";
    if (!key.starts_with(start)) return;
    const std::string rest = key.substr(start.size());
    for (auto dot = rest.find('.'); dot != std::string::npos; dot = rest.find('.', dot + 1)) {
      if (file_.organizations.count(rest.substr(0, dot)) == 0) continue;
      organization = rest.substr(0, dot);
      key = rest.substr(dot + 1);
      return;
    }
  }

  std::vector<setting_origin> why_channel(const std::string& key, const std::string& organization) const {
    const auto dot = key.find('.', 9);
    if (dot == std::string::npos) return {};
    const std::string channel = key.substr(9, dot - 9);
    const auto merged = file_.merge(channel, view_of(channel, organization));
    if (!merged) return {};
    const auto found = merged->values.find(key.substr(dot + 1));
    if (found == merged->values.end()) return {};
    std::vector<setting_origin> origins;
    for (const auto& value : found->second) {
      origins.push_back({value.level, value.place, json::serialize(value.leaf.shown)});
    }
    return origins;
  }

  json::object show_event_types() const {
    json::object all;
    for (const auto& type : file_.event_types) {
      auto& shown = all[type.types].emplace_object();
      for (const char* name : {"time_to_live", "sensitive"}) {
        const auto found = file_.origins.find("events.\"" + type.types + "\"." + name);
        if (found != file_.origins.end()) shown[name] = json::parse(found->second.front().shown);
      }
    }
    return all;
  }

  json::object show_channels(const std::string& organization) const {
    json::object all;
    for (const auto& name : channel_names_) {
      const auto merged = file_.merge(name, view_of(name, organization));
      if (!merged) continue;
      json::object shown;
      shown["plugin"] = merged->plugin;
      if (!merged->preset.empty()) shown["preset"] = merged->preset;
      if (merged->schema) {
        for (const auto& leaf : merged->schema->leaves) {
          const auto* winner = merged->winner(leaf.key);
          if (winner && leaf.key != "plugin" && leaf.key != "preset") set_at(shown, leaf.key, winner->leaf.shown);
        }
      }
      const auto resolved = resolve(name, organization);
      if (resolved && resolved->endpoint->problem) shown["problem"] = resolved->endpoint->problem->to_string();
      all[name] = std::move(shown);
    }
    return all;
  }

  // entries and their resolved forms, in the same order.
  static json::object show_plugin_tables(const std::vector<source_entry>& entries,
                                         const std::vector<const source_settings*>& resolved,
                                         const std::string& organization) {
    json::object all;
    for (std::size_t at = 0; at < entries.size(); ++at) {
      const auto& source = entries[at];
      if (!organization.empty() && source.organization != organization) continue;
      json::object shown;
      if (source.schema) {
        for (const auto& [key, leaf] : source.schema->defaults) set_at(shown, key, leaf.shown);
      }
      for (const auto& leaf : source.leaves) set_at(shown, leaf.key, leaf.shown);
      if (resolved[at]->problem) shown["problem"] = resolved[at]->problem->to_string();
      all[source.name] = std::move(shown);
    }
    return all;
  }

  json::array show_routes(const std::string& organization) const {
    json::array all;
    const auto list = [](const std::vector<std::string>& texts) { return json::array(texts.begin(), texts.end()); };
    for (const auto& route : file_.routes) {
      if (!route.organization.empty() && route.organization != organization) continue;
      json::object shown{{"name", route.name}, {"types", list(route.types)}};
      if (!route.organization.empty()) shown["organization"] = route.organization;
      if (route.minimum_severity) shown["severity"] = to_text(*route.minimum_severity);
      shown["channels"] = list(route.channels);
      shown["to"] = list(route.to);
      shown["template"] = route.template_name;
      all.push_back(std::move(shown));
    }
    return all;
  }

  const std::shared_ptr<const settings_file> parsed_;
  const settings_file& file_;  // of parsed_
  const secret_lookup stores_;
  std::vector<std::string> channel_names_;
  std::vector<source_settings> sources_;
  std::vector<subscriber_settings> subscribers_;
  std::vector<source_settings> secret_stores_;
  mutable std::shared_mutex mutex_;  // of what follows
  mutable std::unordered_map<view_key, resolved_endpoint, view_hash> views_;
  mutable std::unordered_map<std::uint64_t, secret_reference> secrets_;
};

}  // namespace

loaded_settings parse_settings(std::string_view toml, const std::filesystem::path& file,
                               const manifest_catalogue& plugins, const settings_migrator& migrate) {
  auto read = read_settings_file(toml, file, plugins, migrate);
  loaded_settings loaded;
  loaded.errors = std::move(read.errors);
  if (loaded.errors.empty()) {
    loaded.value = std::make_shared<settings_snapshot>(std::make_shared<const settings_file>(std::move(read)));
  }
  return loaded;
}

loaded_settings load_settings(const std::filesystem::path& file, const manifest_catalogue& plugins,
                              const settings_migrator& migrate) {
  const auto text = read_text_file(file);
  if (!text) return {nullptr, {text.error()}};
  return parse_settings(*text, file, plugins, migrate);
}

std::vector<used_endpoint> used_endpoints(const settings& all) {
  auto levels = all.organizations();
  levels.insert(levels.begin(), "");
  std::vector<used_endpoint> endpoints;
  std::set<endpoint_settings_ptr> seen;
  for (const auto& channel : all.channels()) {
    for (const auto& level : levels) {
      const auto found = all.endpoint(channel, level);
      if (found && seen.insert(*found).second) endpoints.push_back({level, *found});
    }
  }
  return endpoints;
}

faults endpoint_problems(const settings& all) {
  faults problems;
  const auto note = [&](const std::optional<fault>& problem) {
    if (problem && std::find(problems.begin(), problems.end(), *problem) == problems.end())
      problems.push_back(*problem);
  };
  for (const auto& used : used_endpoints(all)) note(used.settings->problem);
  for (const auto& store : all.secret_stores()) note(store.problem);
  for (const auto& source : all.sources()) note(source.problem);
  for (const auto& subscriber : all.subscribers()) note(subscriber.problem);
  sort_by_place(problems);
  return problems;
}

result<host_settings> load_host_settings(const std::filesystem::path& file) {
  const auto text = read_text_file(file);
  if (!text) return text.error();
  const setting_site site{file.string(), "", std::filesystem::absolute(file).parent_path()};
  const auto document = parse_toml(*text, site.file);
  if (!document) return document.error();
  faults errors, warnings;
  std::map<std::string, std::vector<setting_origin>> origins;
  auto host = read_host_section(*document, site, errors, warnings, origins);
  if (!errors.empty()) return errors.front();
  return host;
}

}  // namespace tocsin
