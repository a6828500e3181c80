// The plugin host: finds plugins, reads their manifests, loads and starts them, and is their `tocsin_host`.
#pragma once

#include "core/model/fault.hpp"
#include "core/model/manifest.hpp"
#include "core/model/message.hpp"
#include "core/model/store.hpp"
#include "core/plugin_host/calls/plugin_health.hpp"
#include "core/plugin_host/calls/secret_store.hpp"
#include "core/plugin_host/calls/subscriber_call.hpp"
#include "core/plugin_host/files/signature_policy.hpp"
#include "core/runtime/clock.hpp"
#include "core/runtime/executor.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

class metric_registry;

// discovered -> verified -> loaded -> created -> active -> draining -> stopped; refused, failed and quarantined aside.
enum class plugin_state {
  discovered,
  refused,
  verified,
  loaded,
  created,
  active,
  draining,
  stopped,
  failed,
  quarantined  // not loaded, since it would end the host's process, or has
};
std::string_view to_text(plugin_state state);

struct plugin_info {
  std::filesystem::path file;
  std::string id;  // empty where no manifest could be read
  std::string version;
  plugin_state state = plugin_state::discovered;
  std::string reason;    // refused, failed, quarantined: why, in a sentence
  std::string build_id;  // hexadecimal; empty: none
  std::string content;   // SHA-256 of the file, hexadecimal; empty: it was refused
  tocsin::manifest manifest;
  std::optional<plugin_health> health;         // while it is active: its last word on itself; nothing: it has none
  std::optional<signature_finding> signature;  // nothing: the file could not be read
  bool built_in = false;                       // it lies in the installation's own folder
  signature_policy_ptr policy;                 // what it was held against, and is again when it is loaded
};

// Looks at every *.so in the folders, in order, and reads the manifests; runs no plugin instruction. State is verified
// or refused. Of two files with one id the higher version stays, the other is refused as its duplicate. A folder that
// is not there is a warning in `warnings`, as is each file that the policy wants one for; a folder that is a file is an
// error. Without a policy no signature is asked for.
result<std::vector<plugin_info>> discover_plugins(std::span<const std::filesystem::path> folders, faults& warnings,
                                                  const signature_policy_ptr& policy = nullptr);
// One file, wherever it is. For `plugin inspect`.
plugin_info inspect_plugin(const std::filesystem::path& file, const signature_policy_ptr& policy = nullptr);

// A publish by a source plugin, as the pipeline takes it.
struct source_publication {
  std::string source;  // NAME of [sources.NAME]
  std::vector<event> events;
  std::vector<memory_write> memory;
};
struct publication_result {
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
};

// How a plugin that would end the process is kept out of it.
struct containment_settings {
  // The program `tocsin` of this version: tries a plugin out before it is loaded here. Empty: no trials.
  std::filesystem::path program;
  // Where verdicts are remembered and starts noted. Empty: nowhere.
  std::filesystem::path state_dir;
  // Of a command: a host may be starting plugins there, or the folder be another user's. Then what is remembered holds,
  // and nothing is written.
  bool for_command = false;
};

// What the plugin host needs of the rest of the house; the functions are called from any thread and may be called until
// stop() has returned.
struct plugin_host_services {
  executor* pool = nullptr;
  tocsin::clock* clock = nullptr;
  outcome_handler complete;
  std::function<void(source_publication, std::function<void(result<publication_result>)>)> publish;
  std::function<void(std::string source, std::string name, store::callback<std::string>)> recall;
  std::function<result<std::string>(std::uint64_t handle)> reveal;
  std::function<void(const plugin_info&)> hung;  // a call hangs in this plugin; null: nobody is told. [any thread]
  metric_registry* metrics = nullptr;            // null: plugins' metrics are refused
  bool checked = false;  // TOCSIN_CHECKED=1: look at each call of a plugin's, and report each breach of the law

  // How long a call into a plugin may take that is to return at once.
  std::chrono::milliseconds call_limit = std::chrono::seconds(5);

  containment_settings containment;
};

// What a source is opened with.
struct source_opening {
  std::string name;
  std::string organization;
  std::string settings;  // JSON
  std::uint64_t credits = 1024;
};

// A request to an open source: METHOD /v1/sources/NAME/PATH.
struct source_request {
  std::string source;                                        // NAME
  std::string method;                                        // "POST"
  std::string path;                                          // what follows the name, decoded: "/heartbeat"
  std::string query;                                         // as it was sent
  std::string organization;                                  // of the caller's token; empty: none
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
};
struct source_answer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;
};
// SOURCE_DOWN: it does not run; SOURCE_BUSY: it has too much under way; SOURCE_TIMEOUT: it does not answer;
// SOURCE_FAILED: it threw, or its answer is none.
using source_answer_handler = std::function<void(result<source_answer>)>;

// What a plugin's code says of settings.
struct settings_finding {
  bool fatal = false;
  std::string key;
  std::string code;
  std::string text;
};

// Settings that a plugin is asked about, tocsin.config/1.
struct config_subject {
  std::string table;  // "channels", "sources", "subscribers" or "secrets"
  std::string name;
  std::string organization;  // empty: the host
  std::string settings;      // JSON

  std::string_view kind() const {
    if (table == "channels") return "channel";
    if (table == "sources") return "source";
    return table == "secrets" ? "secret store" : "subscriber";
  }
};
struct config_migration {
  std::string settings;  // JSON, as the plugin wrote it
  std::vector<settings_finding> findings;
};

class plugin_host {
 public:
  plugin_host(plugin_host_services services, std::vector<plugin_info> discovered);
  ~plugin_host();  // stop()

  // Loads, creates and starts the plugins in the order of their requirements: all, or those that `needed` names and
  // what they require. One that fails is left aside with its reason; what needs it fails, too; the rest runs. [control:
  // call from one thread only, like every function here that is not marked otherwise]
  void start(const std::function<bool(const manifest&)>& needed);
  // Stops in the reverse order, all of it within about the limit. After it no plugin calls anything and no plugin is
  // called, but for those that were left behind.
  void stop(std::chrono::milliseconds limit = std::chrono::seconds(60));
  // A call hangs in a plugin, so that it and what it requires were left as they are: end the process without running
  // destructors. [any thread]
  bool left_behind() const;

  // Asks each plugin how it is whose word is not fresh; plugins() has the answers a little later. [any thread]
  void refresh_health();
  // A copy of what is known of each file. [any thread]
  std::vector<plugin_info> plugins() const;
  // The joined table of the codes of all verified plugins. [any thread]
  const code_table& codes() const;

  // Null if the plugin is not active or is no channel. [any thread]
  std::shared_ptr<channel_port> channel(const std::string& plugin_id) const;

  result<void> open_source(const std::string& plugin_id, const source_opening& opening);
  void close_source(const std::string& name);

  // What a plugin's sources take, by its manifest, whether it runs or not. Nothing: it is not installed. [any thread]
  std::optional<std::vector<manifest_http_route>> http_routes(const std::string& plugin_id) const;
  // Hands a request to an open source. `done` is called once, on any thread, possibly before this returns. [any thread]
  void request(source_request what, source_answer_handler done);
  // Requests are not handed in any more; those under way may be answered within the limit, the rest is answered
  // SOURCE_DOWN. [any thread]
  void end_requests(std::chrono::milliseconds limit);

  // These may be used until their close() or stop(). Two of one name may be open, so that one can replace the other.
  result<subscriber_ptr> open_subscriber(const std::string& plugin_id, const table_opening& opening);
  result<secret_store_ptr> open_secret_store(const std::string& plugin_id, const table_opening& opening);

  // What the preset's code says of these settings. Empty if it has no such code.
  std::vector<settings_finding> check_preset(const std::string& preset_id, const endpoint_settings& settings);

  // What the plugin's code says of settings that hold its schema; empty if it does not run or has no such code.
  std::vector<settings_finding> check_config(const std::string& plugin_id, const config_subject& subject);
  // Settings that do not hold the schema, as today's. Faults: CONFIG_UNKNOWN, PLUGIN_HUNG, PLUGIN_FAILED.
  result<config_migration> migrate_config(const std::string& plugin_id, const config_subject& subject);

  // Stages of a diagnosis, through tocsin.doctor/1; blocks until done or until the limit has passed (then a last stage
  // COMMAND_TIMEOUT). on_stage is called on the calling thread as each stage ends. The first stage is "settings", which
  // the host reports where the plugin does not. May be called from another thread than the control thread.
  std::vector<diagnosis_stage> diagnose(const endpoint_settings& settings, const std::string& recipient,
                                        const outgoing_message* message, std::chrono::milliseconds limit,
                                        const std::function<void(const diagnosis_stage&)>& on_stage);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin
