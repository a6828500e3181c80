#include "core/app/workbench.hpp"

#include "core/app/commands.hpp"
#include "core/app/plugin_config.hpp"
#include "core/app/secret_stores.hpp"
#include "core/model/cloudevents.hpp"
#include "core/plugin_host/containment/last_words.hpp"
#include "core/store/state_folder.hpp"

#include <chrono>
#include <map>

namespace tocsin::app {

std::filesystem::path builtin_plugin_folder() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / TOCSIN_PLUGIN_SUBDIRECTORY;
}

namespace {

signature_policy_ptr policy_of(const plugin_settings& plugins) {
  return std::make_shared<const signature_policy>(
      signature_policy{plugins.demand, plugins.trusted_keys, builtin_plugin_folder()});
}

}  // namespace

manifest_catalogue catalogue_of(const std::vector<plugin_info>& plugins) {
  manifest_catalogue catalogue;
  for (const auto& plugin : plugins)
    if (plugin.state != plugin_state::refused) catalogue.emplace(plugin.id, plugin.manifest);
  return catalogue;
}

namespace {

// In this order: the plugins stop before the folder is given up.
struct asked_plugins {
  std::optional<state_folder_lock> folder;
  std::map<std::string, std::unique_ptr<workbench>> benches;
};

// Starts a plugin when it is first asked.
settings_migrator migrator_for(const configuration& found) {
  const auto asked = std::make_shared<asked_plugins>();
  auto migrate = migrator_with([&found, asked](const std::string& plugin) -> plugin_host& {
    auto& bench = asked->benches[plugin];
    if (!bench) bench = std::make_unique<workbench>(found, std::set{plugin}, [](std::vector<outcome>) {});
    return bench->plugins();
  });
  if (!found.of_host) return migrate;
  return [&found, asked, migrate = std::move(migrate)](const unfit_table& table) -> result<migrated_table> {
    if (!asked->folder) {
      auto taken = state_folder_lock::take(found.host.state_dir);
      if (!taken) return taken.error();
      asked->folder.emplace(std::move(*taken));
    }
    return migrate(table);
  };
}

}  // namespace

configuration read_configuration(const std::optional<std::filesystem::path>& given, may_ask_plugins asking) {
  configuration found;
  const auto file = find_settings_file(given);
  if (!file) {
    found.errors.push_back(file.error());
    return found;
  }
  found.file = *file;
  const auto host = load_host_settings(*file);
  if (!host) {
    // The whole file is checked all the same, so that every fault is named at once.
    found.errors = load_settings(*file, {}).errors;
    if (found.errors.empty()) found.errors.push_back(host.error());
    return found;
  }
  found.host = *host;
  std::vector<std::filesystem::path> folders{builtin_plugin_folder()};
  folders.insert(folders.end(), host->plugin_dirs.begin(), host->plugin_dirs.end());
  auto plugins = discover_plugins(folders, found.warnings, policy_of(host->plugins));
  if (!plugins) {
    found.errors.push_back(plugins.error());
    return found;
  }
  found.plugins = std::move(*plugins);
  found.of_host = asking == may_ask_plugins::by_host;
  const auto migrate = asking == may_ask_plugins::no ? settings_migrator() : migrator_for(found);
  auto loaded = load_settings(*file, catalogue_of(found.plugins), migrate);
  found.errors = std::move(loaded.errors);
  if (!found.errors.empty()) return found;
  found.settings = std::move(loaded.value);
  const auto& warnings = found.settings->warnings();
  found.warnings.insert(found.warnings.end(), warnings.begin(), warnings.end());
  return found;
}

faults ask_secret_stores(configuration& found) {
  if (found.settings->secret_stores().empty()) return {};
  std::set<std::string> needed;
  for (const auto& store : found.settings->secret_stores()) needed.insert(store.plugin);
  workbench bench(found, std::move(needed), [](std::vector<outcome>) {});
  secret_stores stores(bench.plugins(), bench.clock(), nullptr);
  found.settings = stores.bring_up(found.settings);
  return stores.refused();
}

result<signature_policy_ptr> configured_signature_policy(const std::optional<std::filesystem::path>& given) {
  const auto file = find_settings_file(given);
  if (!file) return given ? result<signature_policy_ptr>(file.error()) : signature_policy_ptr();
  const auto host = load_host_settings(*file);
  if (!host) return host.error();
  return policy_of(host->plugins);
}

workbench::workbench(const configuration& from, const endpoint_settings& endpoint, outcome_handler complete)
    : workbench(from, std::set{endpoint.plugin, endpoint.preset}, std::move(complete)) {}

workbench::workbench(const configuration& from, std::set<std::string> needed, outcome_handler complete)
    : pool_(std::make_unique<executor>(2)), clock_(make_system_clock(*pool_)) {
  plugin_host_services services;
  services.pool = pool_.get();
  services.clock = clock_.get();
  services.complete = std::move(complete);
  services.publish = [](source_publication, std::function<void(result<publication_result>)> done) {
    done(fault{"BUS_STOPPED", "No events are taken here.", "", {}});
  };
  services.recall = [](std::string, std::string, store::callback<std::string> done) { done(std::string()); };
  services.call_limit = from.host.plugins.call_limit;
  services.containment = {.program = own_program, .state_dir = from.host.state_dir, .for_command = !from.of_host};
  if (from.settings) {
    services.reveal = [settings = from.settings](std::uint64_t handle) { return settings->secret(handle); };
  } else {
    services.reveal = [](std::uint64_t) -> result<std::string> {
      return fault{"SETTINGS_INVALID", "The settings are still being read.", "Ask for secrets later.", {}};
    };
  }
  install_last_words(last_words_format::text);
  plugins_ = std::make_unique<plugin_host>(std::move(services), from.plugins);
  plugins_->start([&needed](const manifest& plugin) { return needed.contains(plugin.id); });
}

workbench::~workbench() {
  plugins_->stop();
  if (!plugins_->left_behind()) {
    pool_->stop();
    return;
  }
  // A thread is inside a plugin and does not come back: what it may still use stays.
  pool_->abandon(std::chrono::milliseconds{200});
  static_cast<void>(clock_.release());
  static_cast<void>(pool_.release());
}

}  // namespace tocsin::app
