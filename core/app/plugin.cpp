// `tocsin plugin list` and `plugin inspect`: what lies in the plugin folders, read without running it; where a host
// runs, what it knows of them.
#include <boost/json.hpp>

#include <cstdio>
#include <cstdlib>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/remote.hpp"
#include "core/app/setting_help.hpp"
#include "core/app/workbench.hpp"
#include "core/http/plugin_json.hpp"
#include "core/plugin_host/containment/containment.hpp"
#include "core/plugin_host/files/windows_plugin.hpp"
#include "core/settings/suggestion.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

json::array strings(const std::vector<std::string>& all) {
  json::array array;
  for (const auto& one : all) array.emplace_back(one);
  return array;
}

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (const auto& one : all) text += (text.empty() ? "" : ", ") + one;
  return text;
}

// The plugins of the configuration. Where no settings file is named, and none lies in the usual places, the built-in
// ones.
configuration installed(const plugin_options& options) {
  auto found = read_configuration(options.config);
  const char* from_environment = std::getenv("TOCSIN_CONFIG");
  const bool file_named = options.config || (from_environment != nullptr && *from_environment != '\0');
  if (found.plugins.empty() && found.file.empty() && !file_named) {
    found.errors.clear();
    const std::vector<std::filesystem::path> folders{builtin_plugin_folder()};
    if (auto builtin = discover_plugins(folders, found.warnings)) found.plugins = std::move(*builtin);
  }
  return found;
}

std::vector<std::string> ids_of(const std::vector<plugin_info>& plugins) {
  std::vector<std::string> ids;
  for (const auto& plugin : plugins)
    if (plugin.state != plugin_state::refused) ids.push_back(plugin.id);
  return ids;
}

// What the user named: a file, or the id of an installed plugin.
std::filesystem::path file_of(const plugin_options& options) {
  std::error_code ignored;
  if (options.file.has_parent_path() || std::filesystem::exists(options.file, ignored)) return options.file;
  for (const auto& plugin : installed(options).plugins)
    if (plugin.id == options.file.string() && plugin.state != plugin_state::refused) return plugin.file;
  return options.file;
}

std::string member(const json::object& plugin, std::string_view name) {
  const auto* value = plugin.if_contains(name);
  if (value == nullptr || !value->is_string() || value->get_string().empty()) return "-";
  return std::string(value->get_string());
}

std::string provides(const json::object& plugin) {
  std::vector<std::string> ids;
  if (const auto* value = plugin.if_contains("provides"); value != nullptr && value->is_array())
    for (const auto& id : value->get_array()) ids.emplace_back(id.as_string());
  return joined(ids);
}

std::string signature_of(const plugin_info& plugin) {
  if (!plugin.signature) return "-";
  const std::string state(to_text(plugin.signature->state));
  const std::string key = plugin.signature->key_file.string();
  return key.empty() ? state : state + ", with " + key;
}

void print_unchecked(const std::string& why) {
  if (why.empty()) return;
  std::printf("%s no signature is held against the trusted keys, since the settings are wrong: %s\n",
              paint("warning:", colour::yellow).c_str(), why.c_str());
}

int print_plugins(const json::array& plugins, bool as_json) {
  if (as_json) {
    std::printf("%s\n", json::serialize(plugins).c_str());
    return exit_done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : plugins) {
    const auto& plugin = one.as_object();
    const std::string state = member(plugin, "state");
    const bool aside = state == "refused" || state == "failed" || state == "quarantined";
    const auto* health = plugin.contains("health") ? plugin.at("health").if_object() : nullptr;
    const std::string feels = aside || health == nullptr ? "good" : member(*health, "state");
    const bool unwell = feels != "good";
    std::string shown = state;
    if (unwell) shown.append(", ").append(feels);
    const auto tint = aside || feels == "failing" ? colour::red : unwell ? colour::yellow : colour::green;
    rows.push_back({member(plugin, "id"), member(plugin, "version"), paint(shown, tint), member(plugin, "signature"),
                    aside    ? member(plugin, "reason")
                    : unwell ? member(*health, "text")
                             : provides(plugin),
                    member(plugin, "file")});
  }
  print_table({"ID", "VERSION", "STATE", "SIGNATURE", "PROVIDES, OR WHY NOT", "FILE"}, rows);
  return exit_done;
}

}  // namespace

int plugin_list(const plugin_options& options) {
  const auto running = call(options.config, "GET", "/v1/plugins");
  if (running && running->is_object() && running->get_object().contains("plugins"))
    return print_plugins(running->get_object().at("plugins").as_array(), options.json);
  const auto found = installed(options);
  auto plugins = found.plugins;
  if (plugins.empty() && !found.errors.empty()) {
    print_faults(found.errors, options.json);
    return exit_configuration;
  }
  if (found.settings) apply_remembered(plugins, found.host.state_dir, found.host.plugins.call_limit);
  json::array list;
  for (const auto& plugin : plugins) list.push_back(to_json_object(plugin));
  return print_plugins(list, options.json);
}

int plugin_inspect(const plugin_options& options) {
  const auto file = file_of(options);
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    return fail({"PLUGIN_UNKNOWN",
                 "There is no plugin \"" + options.file.string() + "\", neither a file nor an installed one's id.",
                 remedy_for_unknown(options.file.string(), ids_of(installed(options).plugins)),
                 {}},
                options.json, exit_failed);
  }
  const auto configured = configured_signature_policy(options.config);
  const auto policy = configured ? *configured : signature_policy_ptr();
  auto plugin = inspect_plugin(file, policy);
  if (plugin.state == plugin_state::refused)
    if (auto other = inspect_windows_plugin(file, policy)) plugin = std::move(*other);
  if (const auto found = read_configuration(options.config); found.settings) {
    std::vector<plugin_info> one{std::move(plugin)};
    apply_remembered(one, found.host.state_dir, found.host.plugins.call_limit);
    plugin = std::move(one.front());
  }
  const std::string unchecked = configured ? "" : configured.error().to_string();
  const bool refused = plugin.state == plugin_state::refused;
  if (options.json) {
    auto object = to_json_object(plugin);
    object["build_id"] = plugin.build_id;
    object["title"] = plugin.manifest.title;
    object["description"] = plugin.manifest.description;
    json::array requirements;
    for (const auto& need : plugin.manifest.requirements)
      requirements.push_back({{"service", need.service}, {"locality", need.same_process ? "same_process" : "any"}});
    object["requires"] = std::move(requirements);
    object["capabilities"] = strings(plugin.manifest.capabilities);
    json::array codes;
    for (const auto& code : plugin.manifest.codes) {
      codes.push_back({{"code", code.code},
                       {"stage", code.stage},
                       {"class", to_text(code.outcome_class)},
                       {"explanation", code.explanation},
                       {"remedy", code.remedy}});
    }
    object["codes"] = std::move(codes);
    object["settings"] = plugin.manifest.settings;
    json::array routes;
    for (const auto& route : plugin.manifest.http_routes) {
      json::object shown{{"method", route.method}, {"path", route.path}, {"scope", route.scope}};
      shown["content_types"] = strings(route.takes_body() ? route.content_types : std::vector<std::string>());
      shown["summary"] = route.summary;
      routes.push_back(std::move(shown));
    }
    object["http_routes"] = std::move(routes);
    if (!unchecked.empty()) object["signature_unchecked"] = unchecked;
    std::printf("%s\n", json::serialize(object).c_str());
    return refused ? exit_failed : exit_done;
  }
  if (refused) {
    std::printf("%s %s\n", paint("refused:", colour::red).c_str(), plugin.reason.c_str());
    print_unchecked(unchecked);
    return exit_failed;
  }
  const auto& what = plugin.manifest;
  std::printf("%s %s  %s\n%s\n\n", plugin.id.c_str(), plugin.version.c_str(), what.title.c_str(),
              what.description.c_str());
  std::printf("file          %s\nbuild id      %s\nabi           %u.%u\nprovides      %s\n", plugin.file.c_str(),
              plugin.build_id.c_str(), what.abi_major, what.abi_minor, joined(what.provides).c_str());
  std::printf("signature     %s\n", signature_of(plugin).c_str());
  print_unchecked(unchecked);
  if (!plugin.reason.empty()) std::printf("note          %s\n", plugin.reason.c_str());
  for (const auto& need : what.requirements)
    std::printf("requires      %s%s\n", need.service.c_str(), need.same_process ? " in the same process" : "");
  for (const auto& capability : what.capabilities) std::printf("asks for      %s\n", capability.c_str());
  const auto settings = explain_settings(what.settings);
  if (!settings.empty()) std::printf("\n%s\n", paint("settings", colour::bold).c_str());
  for (const auto& setting : settings) {
    std::printf("  %-30s %s\n", setting.key.c_str(), paint(setting.values, colour::dim).c_str());
    if (!setting.text.empty()) std::printf("      %s\n", setting.text.c_str());
  }
  if (!what.http_routes.empty()) std::printf("\n%s\n", paint("requests", colour::bold).c_str());
  for (const auto& route : what.http_routes)
    std::printf("  %-30s %s\n", (route.method + " /v1/sources/NAME" + route.path).c_str(), route.summary.c_str());
  if (!what.codes.empty()) std::printf("\n%s\n", paint("codes", colour::bold).c_str());
  for (const auto& code : what.codes) std::printf("  %-30s %s\n", code.code.c_str(), code.explanation.c_str());
  return exit_done;
}

}  // namespace tocsin::app
