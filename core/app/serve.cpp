// `tocsin serve`: a host until SIGTERM.
#include <chrono>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/pipeline.hpp"
#include "core/app/signals.hpp"
#include "core/app/termination.hpp"
#include "core/observe/log.hpp"
#include "core/plugin_host/containment/last_words.hpp"

namespace tocsin::app {
namespace {

log::level parse_level(const std::string& name) {
  if (name == "debug") return log::level::debug;
  if (name == "warn") return log::level::warn;
  if (name == "error") return log::level::error;
  return log::level::info;
}

void reload(pipeline& host) {
  for (const auto& why : host.reload())
    log::write(log::level::error, "settings refused, the old ones stay in force", {{"why", why.to_string()}});
}

// What pipeline::stop() keeps to, and a little more.
constexpr std::chrono::milliseconds stop_limit{9'500};

}  // namespace

int serve(const serve_options& options) {
  block_signals();
  log::start(options.log_format == "json" ? log::format::json : log::format::text, parse_level(options.log_level));
  const auto file = find_settings_file(options.config);
  if (!file) return fail(file.error(), options.json, exit_configuration);
  install_last_words(options.log_format == "json" ? last_words_format::json : last_words_format::text);
  host_progress progress;
  termination signals(progress, stop_limit);
  faults all;
  auto host = pipeline::start(*file, all, &progress, own_program);
  if (!host) {
    log::flush();
    if (all.empty())
      return fail(host.error(), options.json,
                  host.error().code == "SETTINGS_INVALID" ? exit_configuration : exit_failed);
    print_faults(all, options.json);
    return exit_configuration;
  }
  while (signals.next() == termination::request::reload) reload(**host);
  (*host)->stop();
  log::flush();
  // Destructors, a plugin's included, must not run beside a thread that hangs in one.
  if ((*host)->left_behind()) std::_Exit(exit_done);
  return exit_done;
}

}  // namespace tocsin::app
