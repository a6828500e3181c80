// `tocsin plugin test`: checks a plugin's file as a host does and hands it to the conformance kit.
#include <boost/json.hpp>
#include <tocsin/conformance/conformance.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <stdexcept>

#include "core/app/commands.hpp"
#include "core/app/conformance_settings.hpp"
#include "core/app/console.hpp"
#include "core/app/workbench.hpp"
#include "core/model/manifest.hpp"
#include "core/plugin_host/files/discovery.hpp"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;
namespace kit = conformance;

// Files that were checked: what a case loads is the copy that was looked at, also if somebody builds it again
// meanwhile.
using kept_files = std::vector<plugin_file>;

// A fault: no host would take the file, whatever is in it.
plugin_file read_as_a_host(const fs::path& path) {
  auto file = plugin_file::read(path);
  if (file) return std::move(*file);
  throw std::runtime_error(path.string() + ": " + file.error().to_string());
}

void fill(kit::library& into, const plugin_file& file, const plugin_test_options& options) {
  into.file = fs::absolute(file.path());
  if (!options.in_process) into.image = file.loadable_path();  // a debugger finds its symbols in the file only
}

void fill(kit::library& into, const verified_library& from) {
  into.build_id = from.build_id;
  into.id = from.manifest.id;
  into.version = from.manifest.version;
  into.provides = from.manifest.provides;
  for (const auto& need : from.manifest.requirements) into.needs.push_back(need.service);
}

bool serves(const kit::library& one, const std::vector<std::string>& needs) {
  return std::any_of(needs.begin(), needs.end(), [&](const std::string& need) {
    return std::find(one.provides.begin(), one.provides.end(), need) != one.provides.end();
  });
}

// Those that were named.
std::vector<kit::library> named_providers(const kit::library& plugin, const plugin_test_options& options,
                                          kept_files& keep) {
  std::vector<kit::library> providers;
  for (const fs::path& path : options.with) {
    plugin_file file = read_as_a_host(path);
    const auto read = verify_library(file);
    if (!read) throw std::runtime_error(path.string() + ": " + read.error().to_string());
    kit::library one;
    fill(one, file, options);
    fill(one, *read);
    keep.push_back(std::move(file));
    if (one.id != plugin.id) providers.push_back(std::move(one));
  }
  return providers;
}

// The built-in plugins that serve it.
std::vector<kit::library> builtin_providers(const kit::library& plugin, const plugin_test_options& options,
                                            kept_files& keep) {
  std::vector<fs::path> paths;
  std::error_code none;
  if (!plugin.needs.empty())
    for (const auto& one : fs::directory_iterator(builtin_plugin_folder(), none))
      if (one.path().extension() == ".so") paths.push_back(one.path());
  std::sort(paths.begin(), paths.end());
  std::vector<kit::library> providers;
  for (const fs::path& path : paths) {
    auto file = plugin_file::read(path);
    if (!file) continue;
    const auto read = verify_library(*file);
    if (!read) continue;
    kit::library one;
    fill(one, *file, options);
    fill(one, *read);
    if (one.id == plugin.id || !serves(one, plugin.needs)) continue;
    keep.push_back(std::move(*file));
    providers.push_back(std::move(one));
  }
  return providers;
}

std::vector<kit::library> providers_for(const kit::library& plugin, const plugin_test_options& options,
                                        kept_files& keep) {
  auto providers =
      options.with.empty() ? builtin_providers(plugin, options, keep) : named_providers(plugin, options, keep);
  // One that needs another comes after it.
  std::stable_sort(providers.begin(), providers.end(), [](const kit::library& left, const kit::library& right) {
    return serves(left, right.needs) && !serves(right, left.needs);
  });
  return providers;
}

// What repeats a run, beside the file, the case and the seed.
std::string other_arguments(const plugin_test_options& options) {
  std::string text;
  if (!options.settings.empty()) {
    const bool is_file = options.settings.find('{') == std::string::npos;
    text += " --settings " + kit::shell_word(is_file ? fs::absolute(options.settings).string() : options.settings);
  }
  const plugin_test_options as_it_is;
  const auto add_seconds = [&text](const char* flag, double seconds, double standard) {
    if (seconds == standard) return;
    char number[32];
    std::snprintf(number, sizeof(number), "%g", seconds);
    text += std::string(" ") + flag + " " + number;
  };
  add_seconds("--timeout", options.timeout, as_it_is.timeout);
  add_seconds("--call-limit", options.call_limit, as_it_is.call_limit);
  return text;
}

kit::subject describe(const plugin_test_options& options, kept_files& keep) {
  kit::subject about;
  keep.push_back(read_as_a_host(options.file));
  fill(about, keep.back(), options);
  about.arguments = other_arguments(options);
  const auto read = verify_library(keep.back());
  if (!read) {
    about.manifest_fault = read.error().to_string();
    return about;
  }
  fill(about, *read);
  for (const auto& one : read->manifest.codes) about.codes.push_back(one.code);
  about.stages = read->manifest.stages;
  about.with = providers_for(about, options, keep);
  about.settings = conformance_settings(read->manifest.settings, options.settings);
  return about;
}

std::string coloured(std::string_view text, std::string_view kind) {
  if (kind == "ok") return paint(text, colour::green);
  if (kind == "failed") return paint(text, colour::red);
  if (kind == "skipped") return paint(text, colour::yellow);
  return paint(text, colour::dim);
}

int list_cases(const plugin_test_options& options) {
  const auto cases = kit::select_cases(options.only);
  if (options.json) {
    boost::json::array array;
    for (const auto& one : cases)
      array.push_back({{"case", one.name}, {"law", one.law}, {"header", one.header}, {"tag", one.tag}});
    std::printf("%s\n", boost::json::serialize(array).c_str());
    return exit_done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : cases) rows.push_back({std::string(one.name), std::string(one.law)});
  print_table({"CASE", "LAW"}, rows);
  return exit_done;
}

int wrong_call(const std::string& what) {
  std::fprintf(stderr, "tocsin: %s\n", what.c_str());
  return exit_usage;
}

}  // namespace

int plugin_test(const plugin_test_options& options) {
  if (kit::select_cases(options.only).empty())
    return wrong_call("no case has a name like that; tocsin plugin test --list has them");
  if (options.list) return list_cases(options);
  if (options.file.empty()) return wrong_call("name the plugin file: tocsin plugin test FILE");
  kept_files keep;
  kit::subject about;
  try {
    about = describe(options, keep);
  } catch (const std::exception& error) {
    return wrong_call(error.what());
  }
  kit::options how;
  how.only = options.only;
  how.in_process = options.in_process;
  how.call_limit = std::chrono::milliseconds(static_cast<std::int64_t>(options.call_limit * 1000));
  how.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout * 1000));
  how.seed = options.seed ? *options.seed : std::random_device{}();
  const auto report = kit::run(about, how, [&](const kit::case_result& result) {
    if (!options.json) std::fputs(kit::to_text(about, result, how.seed, coloured).c_str(), stdout);
    std::fflush(stdout);
  });
  if (options.json) {
    std::printf("%s\n", kit::to_json(report).c_str());
  } else {
    std::fputs(kit::summary(report, coloured).c_str(), stdout);
  }
  if (!options.junit.empty()) {
    std::ofstream file(options.junit);
    file << kit::to_junit(report);
    file.close();
    if (!file) return wrong_call("cannot write " + options.junit.string());
  }
  return report.count(kit::verdict::failed) == 0 ? exit_done : exit_failed;
}

}  // namespace tocsin::app
