// Settings and plugins without a host: what `doctor`, `send-test`, `config` and `plugin` work with.
#pragma once

#include "core/model/fault.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/settings/settings.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tocsin::app {

// The built-in plugin folder: beside the program's own, lib/tocsin/plugins.
std::filesystem::path builtin_plugin_folder();

// What is on disk, checked; nothing is loaded.
struct configuration {
  std::filesystem::path file;
  host_settings host;  // [host] and [plugins], which say where plugins are and how they may be run
  std::vector<plugin_info> plugins;
  settings_ptr settings;  // null if errors is not empty
  faults errors;
  faults warnings;
  bool of_host = false;  // read by the host, which has the state folder to itself as soon as a plugin runs
};
// Whether a plugin may be started to bring settings of an older version up to date. no: for what is to run no plugin;
// by_host: of a process that is to be the host there; the state folder is locked as long as such a plugin runs.
enum class may_ask_plugins { no, yes, by_host };
configuration read_configuration(const std::optional<std::filesystem::path>& given,
                                 may_ask_plugins asking = may_ask_plugins::no);

// Asks the secret stores of the settings, so that these know which secrets there are and what they hold; waits for a
// bounded time. The stores that could not be opened.
faults ask_secret_stores(configuration& found);
// What the settings file asks of plugin files' signatures; null where there is none. A fault: what is wrong in it, or
// the file that was named is not there.
result<signature_policy_ptr> configured_signature_policy(const std::optional<std::filesystem::path>& given);

// Manifests of the plugins that are verified.
manifest_catalogue catalogue_of(const std::vector<plugin_info>& plugins);

// Plugins that are running for one command.
class workbench {
 public:
  // Starts the plugin of the endpoint, its preset, and what they require.
  workbench(const configuration& from, const endpoint_settings& endpoint, outcome_handler complete);
  // Starts the plugins of these ids, and what they require.
  workbench(const configuration& from, std::set<std::string> needed, outcome_handler complete);
  ~workbench();
  plugin_host& plugins() { return *plugins_; }
  tocsin::clock& clock() { return *clock_; }

 private:
  std::unique_ptr<executor> pool_;
  std::unique_ptr<tocsin::clock> clock_;
  std::unique_ptr<plugin_host> plugins_;
};

}  // namespace tocsin::app
