// `tocsin plugin test`: reads a plugin's manifest and hands it to the conformance kit.
#include <boost/json.hpp>
#include <tocsin/conformance/conformance.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>

#include "core/app/commands.hpp"
#include "core/app/conformance_settings.hpp"
#include "core/app/console.hpp"
#include "core/app/workbench.hpp"
#include "core/model/manifest.hpp"
#include "core/plugin_host/files/manifest_reader.hpp"
#include "core/settings/manifest_check.hpp"

namespace tocsin::app {
namespace {

namespace fs = std::filesystem;
namespace kit = conformance;

struct read_plugin {
  std::string fault;  // not empty: nothing else is set
  tocsin::manifest manifest;
  std::string build_id;
};

// Whoever runs the kit builds the plugin, so that owner and modes of the file do not matter here.
read_plugin read_library(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  if (!stream && bytes.empty()) throw std::runtime_error(file.string() + " cannot be read");
  read_plugin found;
  const auto notes = read_library_notes(std::as_bytes(std::span(bytes)));
  if (!notes) {
    found.fault = notes.error().to_string();
    return found;
  }
  found.build_id = notes->build_id;
  auto manifest = read_manifest(notes->manifest);
  if (manifest) {
    found.manifest = std::move(*manifest);
  } else {
    found.fault = manifest.error().to_string();
  }
  return found;
}

void fill(kit::library& into, const fs::path& file, const read_plugin& from) {
  into.file = fs::absolute(file);
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

// Those that were named; else those of the built-in plugins that serve it.
std::vector<kit::library> providers_for(const kit::library& plugin, const std::vector<fs::path>& named) {
  std::vector<fs::path> files = named;
  if (named.empty() && !plugin.needs.empty()) {
    std::error_code none;
    for (const auto& one : fs::directory_iterator(builtin_plugin_folder(), none))
      if (one.path().extension() == ".so") files.push_back(one.path());
    std::sort(files.begin(), files.end());
  }
  std::vector<kit::library> providers;
  for (const fs::path& file : files) {
    const auto read = read_library(file);
    kit::library one;
    fill(one, file, read);
    if (!named.empty() && !read.fault.empty()) throw std::runtime_error(file.string() + ": " + read.fault);
    if (read.fault.empty() && one.id != plugin.id && (!named.empty() || serves(one, plugin.needs)))
      providers.push_back(std::move(one));
  }
  // One that needs another comes after it.
  std::stable_sort(providers.begin(), providers.end(), [](const kit::library& left, const kit::library& right) {
    return serves(left, right.needs) && !serves(right, left.needs);
  });
  return providers;
}

kit::subject describe(const plugin_test_options& options) {
  const auto read = read_library(options.file);
  kit::subject about;
  fill(about, options.file, read);
  about.manifest_fault = read.fault;
  if (!read.fault.empty()) return about;
  for (const auto& one : read.manifest.codes) about.codes.push_back(one.code);
  about.stages = read.manifest.stages;
  about.with = providers_for(about, options.with);
  about.settings = conformance_settings(read.manifest.settings, options.settings);
  if (!options.settings.empty()) about.arguments = " --settings '" + options.settings + "'";
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
  kit::subject about;
  try {
    about = describe(options);
  } catch (const std::exception& error) {
    return wrong_call(error.what());
  }
  kit::options how;
  how.only = options.only;
  how.in_process = options.in_process;
  how.call_limit = std::chrono::milliseconds(static_cast<std::int64_t>(options.call_limit * 1000));
  how.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout * 1000));
  how.seed = options.seed != 0 ? options.seed : std::random_device{}();
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
