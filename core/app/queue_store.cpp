// `tocsin queue check` and `queue backup`: a running host is asked; without one the store is opened under its lock.
#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <string>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/queue_words.hpp"
#include "core/app/remote.hpp"
#include "core/settings/settings.hpp"
#include "core/store/upkeep.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

// A large store takes minutes.
constexpr std::chrono::hours patience{6};

int print_check(const json::object& found, bool as_json) {
  const bool good = found.at("ok").as_bool();
  if (as_json) {
    std::printf("%s\n", json::serialize(found).c_str());
    return good ? exit_done : exit_failed;
  }
  std::printf("%s %s events, %s deliveries, %s payloads read\n",
              paint(good ? "ok:" : "damaged:", good ? colour::green : colour::red).c_str(),
              shown(found, "events").c_str(), shown(found, "deliveries").c_str(), shown(found, "payloads").c_str());
  for (const auto& each : found.at("problems").as_array()) std::printf("  %s\n", each.as_string().c_str());
  return good ? exit_done : exit_failed;
}

int print_backup(const json::object& made, bool as_json) {
  if (as_json) {
    std::printf("%s\n", json::serialize(made).c_str());
    return exit_done;
  }
  std::printf("%s %s: %s events, %s deliveries, %s bytes\n", paint("written", colour::green).c_str(),
              shown(made, "file").c_str(), shown(made, "events").c_str(), shown(made, "deliveries").c_str(),
              shown(made, "bytes").c_str());
  if (shown(made, "sensitive_left_out") != "0") {
    std::printf("The content of %s sensitive events was left out.\n", shown(made, "sensitive_left_out").c_str());
  }
  return exit_done;
}

json::object to_json(const store_check& found) {
  json::object out{{"ok", found.ok()}, {"events", found.events}, {"deliveries", found.deliveries}};
  json::array problems;
  for (const auto& each : found.problems) problems.emplace_back(each);
  out["problems"] = std::move(problems);
  out["payloads"] = found.payloads;
  return out;
}

json::object to_json(const store_backup& made) {
  json::object out{{"file", made.file.string()}, {"bytes", made.bytes}, {"events", made.events}};
  out["deliveries"] = made.deliveries;
  out["sensitive_left_out"] = made.left_out;
  return out;
}

bool no_host(const remote_error& error) { return error.why.code == "HOST_UNREACHABLE"; }

// Only where the settings can be read does the first call say that no host runs.
std::filesystem::path state_dir_of(const common_options& options) {
  return load_host_settings(*find_settings_file(options.config))->state_dir;
}

}  // namespace

int queue_check(const common_options& options) {
  const auto answer = call(options.config, "POST", "/v1/store/check", {}, {}, patience);
  if (answer) return print_check(answer->as_object(), options.json);
  if (!no_host(answer.error())) return fail(answer.error().why, options.json, answer.error().status);
  const auto found = check_stopped_store(state_dir_of(options));
  return found ? print_check(to_json(*found), options.json) : fail(found.error(), options.json, exit_failed);
}

int queue_backup(const backup_options& options) {
  const auto target = std::filesystem::absolute(options.file);
  const auto answer =
      call(options.config, "POST", "/v1/store/backup?file=" + percent_encode(target.string()), {}, {}, patience);
  if (answer) return print_backup(answer->as_object(), options.json);
  if (!no_host(answer.error())) return fail(answer.error().why, options.json, answer.error().status);
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  const auto made = back_up_stopped_store(state_dir_of(options), target, now);
  return made ? print_backup(to_json(*made), options.json) : fail(made.error(), options.json, exit_failed);
}

}  // namespace tocsin::app
