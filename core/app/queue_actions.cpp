// `tocsin queue retry`, `drop` and `replay`.
#include <boost/json.hpp>

#include <cstdio>
#include <string>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/queue_words.hpp"
#include "core/app/remote.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;

// Many deliveries may take a while; the host goes on also when nobody waits.
constexpr std::chrono::minutes patience{30};

std::string past_of(const std::string& action) {
  if (action == "drop") return "dropped";
  return action == "retry" ? "due now" : "replayed";
}

int act_on_many(const queue_action_options& options) {
  std::string target = "/v1/deliveries/" + options.action + "?" + filter_query(options.filter);
  if (options.all) target += target.ends_with('?') ? "all=true" : "&all=true";
  const auto answer = call(options.config, "POST", target, {}, {}, patience);
  if (!answer) return fail(answer.error().why, options.json, answer.error().status);
  if (options.json) {
    std::printf("%s\n", json::serialize(*answer).c_str());
    return exit_done;
  }
  const auto& made = answer->as_object();
  std::printf("%s of %s matching deliveries are %s.\n", shown(made, "changed").c_str(), shown(made, "matched").c_str(),
              past_of(options.action).c_str());
  for (const auto& [code, count] : made.at("refused").as_object()) {
    std::printf("%s %s: %s\n", paint("refused:", colour::yellow).c_str(), std::string(code).c_str(),
                json::serialize(count).c_str());
  }
  return exit_done;
}

// Nothing: it is done. Else the fault, told of the event where the identifier is one.
std::optional<remote_error> act_on_one(const queue_action_options& options, const std::string& id, json::array& done) {
  const auto answer =
      call(options.config, "POST", "/v1/deliveries/" + percent_encode(id) + "/" + options.action, {}, {}, patience);
  if (answer) {
    done.push_back(*answer);
    return std::nullopt;
  }
  auto error = answer.error();
  if (error.why.code == "NOT_FOUND" && call(options.config, "GET", "/v1/events/" + percent_encode(id) + "/trace")) {
    error.why.what = id + " is an event and not a delivery.";
    error.why.remedy = "Name one of its deliveries: `tocsin queue show " + id + "` lists them.";
  }
  return error;
}

}  // namespace

int queue_act(const queue_action_options& options) {
  const bool many = options.all || !filter_query(options.filter).empty();
  if (many == !options.ids.empty()) {
    const fault why{"USAGE",
                    "tocsin queue " + options.action + " takes either deliveries or a filter.",
                    "Name deliveries, or give --state, --event, --source, --recipient, --organization or --all.",
                    {}};
    return fail(why, options.json, exit_usage);
  }
  if (many) return act_on_many(options);
  json::array done;
  faults failed;
  int status = exit_done;
  for (const auto& id : options.ids) {
    auto error = act_on_one(options, id, done);
    if (!error) continue;
    failed.push_back(std::move(error->why));
    status = error->status;
  }
  if (options.json) {
    json::object out;
    out["deliveries"] = std::move(done);
    out["failed"] = to_json(failed);
    std::printf("%s\n", json::serialize(out).c_str());
    return status;
  }
  if (!done.empty()) print_deliveries(done);
  print_faults(failed, false);
  return status;
}

}  // namespace tocsin::app
