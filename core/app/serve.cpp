// `tocsin serve`: a host until SIGTERM.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/pipeline.hpp"
#include "core/app/signals.hpp"
#include "core/observe/log.hpp"

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

// Ends the process if the host has not stopped in time: a plugin that hangs must not keep a service from ending.
// Everything acknowledged is on disk, and what was in a channel's hands is found again at the next start.
class stop_limit {
 public:
  explicit stop_limit(std::chrono::milliseconds limit)
      : watcher_([limit, stopped = stopped_.get_future()] {
          if (stopped.wait_for(limit) == std::future_status::ready) return;
          std::fprintf(stderr, "tocsin: a plugin kept the host from stopping; ended without it\n");
          std::_Exit(exit_done);
        }) {}
  ~stop_limit() {
    stopped_.set_value();
    watcher_.join();
  }
  stop_limit(const stop_limit&) = delete;
  stop_limit& operator=(const stop_limit&) = delete;

 private:
  std::promise<void> stopped_;
  std::thread watcher_;
};

}  // namespace

int serve(const serve_options& options) {
  block_signals();
  log::start(options.log_format == "json" ? log::format::json : log::format::text, parse_level(options.log_level));
  const auto file = find_settings_file(options.config);
  if (!file) return fail(file.error(), options.json, exit_configuration);
  faults all;
  auto host = pipeline::start(*file, all);
  if (!host) {
    log::flush();
    if (all.empty()) return fail(host.error(), options.json, exit_failed);
    print_faults(all, options.json);
    return exit_configuration;
  }
  for (int signal = wait_for_signal(); signal == SIGHUP; signal = wait_for_signal()) reload(**host);
  {
    const stop_limit limit(std::chrono::milliseconds{9'500});
    (*host)->stop();
  }
  log::flush();
  return exit_done;
}

}  // namespace tocsin::app
