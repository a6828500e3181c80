// `tocsin plugin list` and `plugin inspect`: what lies in the plugin folders, read without running it.
#include <boost/json.hpp>

#include <cstdio>
#include <cstdlib>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/workbench.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

json::array strings(const std::vector<std::string>& all) {
  json::array array;
  for (const auto& one : all) array.emplace_back(one);
  return array;
}

json::object to_json(const plugin_info& plugin) {
  return {{"file", plugin.file.string()},   {"id", plugin.id},         {"version", plugin.version},
          {"state", to_text(plugin.state)}, {"reason", plugin.reason}, {"provides", strings(plugin.manifest.provides)}};
}

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (const auto& one : all) text += (text.empty() ? "" : ", ") + one;
  return text;
}

}  // namespace

int plugin_list(const plugin_options& options) {
  const auto found = read_configuration(options.config);
  auto plugins = found.plugins;
  const char* from_environment = std::getenv("TOCSIN_CONFIG");
  const bool file_named = options.config || (from_environment != nullptr && *from_environment != '\0');
  // Where no settings file is named, and none lies in the usual places, the built-in plugins are listed.
  if (plugins.empty() && found.file.empty() && !file_named) {
    faults warnings;
    const std::vector<std::filesystem::path> folders{builtin_plugin_folder()};
    if (auto builtin = discover_plugins(folders, warnings)) plugins = std::move(*builtin);
  } else if (plugins.empty() && !found.errors.empty()) {
    print_faults(found.errors, options.json);
    return exit_configuration;
  }
  if (options.json) {
    json::array array;
    for (const auto& plugin : plugins) array.push_back(to_json(plugin));
    std::printf("%s\n", json::serialize(array).c_str());
    return exit_done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& plugin : plugins) {
    const bool refused = plugin.state == plugin_state::refused;
    rows.push_back({plugin.id.empty() ? "-" : plugin.id, plugin.version.empty() ? "-" : plugin.version,
                    paint(to_text(plugin.state), refused ? colour::red : colour::green),
                    refused ? plugin.reason : joined(plugin.manifest.provides), plugin.file.string()});
  }
  print_table({"ID", "VERSION", "STATE", "PROVIDES, OR WHY REFUSED", "FILE"}, rows);
  return exit_done;
}

int plugin_inspect(const plugin_options& options) {
  const auto plugin = inspect_plugin(options.file);
  const bool refused = plugin.state == plugin_state::refused;
  if (options.json) {
    auto object = to_json(plugin);
    object["build_id"] = plugin.build_id;
    object["title"] = plugin.manifest.title;
    object["description"] = plugin.manifest.description;
    json::array requirements;
    for (const auto& need : plugin.manifest.requirements)
      requirements.push_back({{"service", need.service}, {"locality", need.same_process ? "same_process" : "any"}});
    object["requires"] = std::move(requirements);
    object["capabilities"] = strings(plugin.manifest.capabilities);
    object["settings"] = plugin.manifest.settings;
    std::printf("%s\n", json::serialize(object).c_str());
    return refused ? exit_failed : exit_done;
  }
  if (refused) {
    std::printf("%s %s\n", paint("refused:", colour::red).c_str(), plugin.reason.c_str());
    return exit_failed;
  }
  const auto& what = plugin.manifest;
  std::printf("%s %s  %s\n%s\n\n", plugin.id.c_str(), plugin.version.c_str(), what.title.c_str(),
              what.description.c_str());
  std::printf("file          %s\nbuild id      %s\nabi           %u.%u\nprovides      %s\n", plugin.file.c_str(),
              plugin.build_id.c_str(), what.abi_major, what.abi_minor, joined(what.provides).c_str());
  for (const auto& need : what.requirements)
    std::printf("requires      %s%s\n", need.service.c_str(), need.same_process ? " in the same process" : "");
  for (const auto& capability : what.capabilities) std::printf("asks for      %s\n", capability.c_str());
  if (const auto* properties = what.settings.if_contains("properties");
      properties != nullptr && properties->is_object()) {
    for (const auto& member : properties->get_object()) {
      const auto* description = member.value().is_object() ? member.value().get_object().if_contains("title") : nullptr;
      std::printf("setting       %-30s %s\n", std::string(member.key()).c_str(),
                  description != nullptr && description->is_string() ? description->get_string().c_str() : "");
    }
  }
  return exit_done;
}

}  // namespace tocsin::app
