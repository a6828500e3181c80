// `tocsin config check`, `show` and `why`.
#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>

#include "core/app/channel_check.hpp"
#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/plugin_config.hpp"
#include "core/app/workbench.hpp"
#include "core/rendering/renderer.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

// Routes whose messages could never be made.
faults unknown_templates(const settings& in_force) {
  faults unknown;
  const auto known = renderer().templates();
  for (const auto& route : in_force.routes()) {
    if (std::find(known.begin(), known.end(), route.template_name) != known.end()) continue;
    unknown.push_back(
        {"SETTINGS_INVALID",
         "The route \"" + route.name + "\" names the template \"" + route.template_name + "\", which there is not.",
         "Name one that there is, or leave template out for \"default\".", at_key("routes.template")});
  }
  return unknown;
}

}  // namespace

int config_check(const config_options& options) {
  auto found = read_configuration(options.config, may_ask_plugins::yes);
  auto errors = found.errors;
  auto warnings = found.warnings;
  if (found.settings) {
    errors = ask_secret_stores(found);
    const auto problems = endpoint_problems(*found.settings);
    errors.insert(errors.end(), problems.begin(), problems.end());
    const auto unknown = unknown_templates(*found.settings);
    errors.insert(errors.end(), unknown.begin(), unknown.end());
    const auto said = check_channels(found);
    errors.insert(errors.end(), said.errors.begin(), said.errors.end());
    warnings.insert(warnings.end(), said.warnings.begin(), said.warnings.end());
    const auto of_tables = check_tables(found);
    errors.insert(errors.end(), of_tables.errors.begin(), of_tables.errors.end());
    warnings.insert(warnings.end(), of_tables.warnings.begin(), of_tables.warnings.end());
  }
  if (options.json) {
    std::printf("%s\n", json::serialize(json::object{{"ok", errors.empty()},
                                                     {"file", found.file.string()},
                                                     {"errors", to_json(errors)},
                                                     {"warnings", to_json(warnings)}})
                            .c_str());
    return errors.empty() ? exit_done : exit_configuration;
  }
  for (const auto& why : warnings)
    std::printf("%s %s\n", paint("warning:", colour::yellow).c_str(), why.to_string().c_str());
  for (const auto& why : errors) std::printf("%s %s\n", paint("error:", colour::red).c_str(), why.to_string().c_str());
  if (!errors.empty()) return exit_configuration;
  std::printf("%s %s\n", found.file.c_str(), paint("is fine.", colour::green).c_str());
  return exit_done;
}

int config_show(const config_options& options) {
  const auto found = read_configuration(options.config, may_ask_plugins::yes);
  if (!found.settings) {
    print_faults(found.errors, options.json);
    return exit_configuration;
  }
  std::printf("%s\n", json::serialize(found.settings->show(options.organization)).c_str());
  return exit_done;
}

int config_why(const config_options& options) {
  const auto found = read_configuration(options.config, may_ask_plugins::yes);
  if (!found.settings) {
    print_faults(found.errors, options.json);
    return exit_configuration;
  }
  const auto origins = found.settings->why(options.key, options.organization);
  if (origins.empty())
    return fail({"SETTINGS_INVALID", "There is no setting \"" + options.key + "\".", "", at_key(options.key)},
                options.json, exit_failed);
  if (options.json) {
    json::array array;
    for (const auto& origin : origins)
      array.push_back(
          {{"level", origin.level}, {"value", origin.shown}, {"file", origin.place.file}, {"line", origin.place.line}});
    std::printf("%s\n", json::serialize(array).c_str());
    return exit_done;
  }
  bool winner = true;
  for (const auto& origin : origins) {
    const auto where = origin.place.file.empty() ? "" : origin.place.file + ":" + std::to_string(origin.place.line);
    std::printf("%s %-24s %s  %s\n", winner ? paint("=>", colour::green).c_str() : "  ", origin.level.c_str(),
                origin.shown.c_str(), paint(where, colour::dim).c_str());
    winner = false;
  }
  return exit_done;
}

}  // namespace tocsin::app
