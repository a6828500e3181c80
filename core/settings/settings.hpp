// The settings in force: one immutable snapshot, read from TOML, checked whole against the schemas of core and plugins.
#pragma once

#include "core/model/endpoint.hpp"
#include "core/model/event.hpp"
#include "core/model/fault.hpp"
#include "core/model/manifest.hpp"
#include "core/model/route.hpp"
#include "core/settings/key_file.hpp"
#include "core/settings/secret_reference.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tocsin {

// What is asked of a plugin file that is not built in. off: nothing. warn: a changed signed file is refused, others are
// reported. required: a valid signature.
enum class signed_plugins { off, warn, required };

// [plugins]
struct plugin_settings {
  std::chrono::milliseconds call_limit = std::chrono::seconds{5};  // of a call that is to return at once
  signed_plugins demand = signed_plugins::off;
  std::vector<trusted_key> trusted_keys;
  std::chrono::milliseconds delivery_limit = std::chrono::hours{4};  // until a delivery is taken back from its channel
};

struct host_settings {
  std::filesystem::path state_dir;                 // absolute
  std::vector<std::filesystem::path> plugin_dirs;  // absolute
  std::string language = "en";
  std::string time_zone = "UTC";
  std::chrono::milliseconds retention = std::chrono::days{30};
  std::uint32_t max_sending = 512;  // deliveries in the hands of channels at once, over all endpoints
  plugin_settings plugins;
};

struct http_settings {
  std::string listen = "127.0.0.1:8480";  // ADDRESS:PORT, or unix:PATH
  std::uint64_t max_body = 8u << 20;      // bytes
  std::string public_url;
};

// [events."GLOB"], the built-in types' defaults included; the longest glob that matches wins, key by key.
struct event_type_settings {
  std::string types;  // glob
  std::optional<std::chrono::milliseconds> time_to_live;
  std::optional<bool> sensitive;
};

struct retry_settings {
  std::chrono::milliseconds first = std::chrono::seconds{30};
  std::chrono::milliseconds max = std::chrono::hours{1};
  std::chrono::milliseconds give_up = std::chrono::days{3};
};

struct organization_settings {
  std::string language;  // empty: the host's
  std::string time_zone;
};

// [sources.NAME]
struct source_settings {
  std::string name;
  std::string plugin;
  std::string organization;
  boost::json::object settings;  // as tocsin_source_config.settings
  std::uint64_t fingerprint = 0;
  std::optional<fault> problem;  // such as a plugin that is not there
};

// [subscribers.NAME]: configured as a source is, with the filter of what it gets. `organization`: only that one's
// events.
struct subscriber_settings : source_settings {
  std::vector<std::string> types;            // globs; empty: every type
  std::optional<severity> minimum_severity;  // this or higher
};

// Where a value comes from: the winner or a loser of `config why`.
struct setting_origin {
  std::string level;  // "organization acme", "host", "preset gmail", "default"
  tocsin::place place;
  std::string shown;  // the value as JSON; a secret as where it is kept ("env:SMTP_PASSWORD"), never its value
};

class settings {
 public:
  virtual ~settings() = default;

  virtual const host_settings& host() const = 0;
  virtual const http_settings& http() const = 0;
  virtual const std::vector<route>& routes() const = 0;  // of the host and of every organization, in the file's order
  virtual const std::vector<source_settings>& sources() const = 0;
  virtual const std::vector<subscriber_settings>& subscribers() const = 0;
  virtual const std::vector<source_settings>& secret_stores() const = 0;  // [secrets.NAME]; no organization
  virtual const std::vector<event_type_settings>& event_types() const = 0;
  virtual std::vector<std::string> channels() const = 0;       // names, at the host's level or any organization's
  virtual std::vector<std::string> organizations() const = 0;  // declared ones
  virtual organization_settings organization(const std::string& name) const = 0;  // the host's for one not declared

  // What holds for an organization's use of a channel ("" is the host's own). Resolved once and kept. A channel that
  // exists at no level is a fault CHANNEL_UNKNOWN; one that cannot work has its `problem` set. An organization that
  // sets nothing of the channel gets the host's own view: its `organization` is empty. [any thread]
  virtual result<endpoint_settings_ptr> endpoint(const std::string& channel, const std::string& organization) const = 0;
  // Retry limits are the core's own part of a channel's settings.
  virtual retry_settings retry(const endpoint_settings& endpoint) const = 0;

  // The value of a secret that `endpoint().settings`, `sources()` or `subscribers()` names by its handle.
  // SETTINGS_INVALID if it cannot be read.
  virtual result<std::string> secret(std::uint64_t handle) const = 0;

  // What the file names of the stores' secrets, each once.
  virtual std::vector<stored_secret> stored_secrets() const = 0;
  // The same file, resolved anew: endpoints, sources and subscribers with what the stores say now. Settings that were
  // never given a lookup take a store's secret for one whose value is not asked for yet, which is no `problem`.
  virtual std::shared_ptr<const settings> with_stores(secret_lookup stores) const = 0;

  // Every level's value of a dotted key, winner first; empty: no such key.
  virtual std::vector<setting_origin> why(const std::string& key, const std::string& organization) const = 0;
  // All that is in force, as JSON, for `config show`; secrets as in setting_origin.
  virtual boost::json::object show(const std::string& organization) const = 0;

  // What is odd but works: an inherited from_address over an own server, a plugin folder that is not there.
  virtual const faults& warnings() const = 0;
};

using settings_ptr = std::shared_ptr<const settings>;

// The manifests whose schemas check [channels.*], [sources.*], [subscribers.*] and presets, by plugin id.
using manifest_catalogue = std::map<std::string, manifest>;

// A table of a plugin's settings that does not hold the plugin's schema.
struct unfit_table {
  std::string plugin;
  std::string table;  // "channels", "sources" or "subscribers"
  std::string name;
  std::string organization;      // empty: the host
  boost::json::object settings;  // as they are written, without the host's own keys
};
// The same as its plugin wants it today.
struct migrated_table {
  struct change {
    std::string key;   // dotted, of the table
    std::string text;  // what became of it
  };
  boost::json::object settings;
  std::vector<change> changes;
};
// Asks the plugin; a fault if it knows nothing of such settings. The result is checked.
using settings_migrator = std::function<result<migrated_table>(const unfit_table&)>;

struct loaded_settings {
  settings_ptr value;  // null if there are faults that leave nothing to run with
  faults errors;       // all of them, in the file's order
};

// Reads and checks the file whole. Every fault has file, line, column and key; an unknown key names the nearest known
// one, a wrong value the accepted ones. A secret or file that cannot be read is no error here but its endpoint's
// `problem`. migrate: asked for a table that a plugin with tocsin.config/1 would refuse; each change is a warning.
loaded_settings load_settings(const std::filesystem::path& file, const manifest_catalogue& plugins,
                              const settings_migrator& migrate = {});
// The same from text, for tests and tools; `file` is what faults name, and relative paths start at its folder.
loaded_settings parse_settings(std::string_view toml, const std::filesystem::path& file,
                               const manifest_catalogue& plugins, const settings_migrator& migrate = {});

// An endpoint, and the first level that uses it ("": the host).
struct used_endpoint {
  std::string organization;
  endpoint_settings_ptr settings;
};
// Every endpoint that the file defines, once: channel by channel, the host's level first. Reads their secrets.
std::vector<used_endpoint> used_endpoints(const settings& all);

// The `problem` of every endpoint, source and subscriber that the file defines, each once, in the file's order: what
// `config check` reports beside errors and warnings. Reads the secrets of all of them.
faults endpoint_problems(const settings& all);

// The [host] part alone, which says where plugins are, so that their manifests can be read before the rest is checked.
result<host_settings> load_host_settings(const std::filesystem::path& file);

// --config, $TOCSIN_CONFIG, ./tocsin.toml, /etc/tocsin/tocsin.toml: the first that there is. Fault SETTINGS_INVALID if
// none.
result<std::filesystem::path> find_settings_file(const std::optional<std::filesystem::path>& given);

}  // namespace tocsin
