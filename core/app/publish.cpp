// `tocsin publish`: one event to the running host.
#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <random>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/publish_wait.hpp"
#include "core/app/queue_words.hpp"
#include "core/app/remote.hpp"
#include "core/model/cloudevents.hpp"
#include "core/model/json.hpp"
#include "core/model/timestamp.hpp"

namespace tocsin::app {
namespace {

std::string random_id() {
  std::random_device random;
  char text[33];
  std::snprintf(text, sizeof text, "%08x%08x%08x%08x", random(), random(), random(), random());
  return text;
}

fault usage(const std::string& what) { return {"USAGE", "tocsin publish: " + what, "", {}}; }

result<event> event_of(const publish_options& options) {
  event value;
  value.type = options.type;
  value.source = options.source;
  value.id = options.id.empty() ? random_id() : options.id;
  value.organization = options.organization;
  value.recipient = options.recipient;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  value.time = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  if (!options.severity.empty()) {
    const auto severity = parse_severity(options.severity);
    if (!severity) return usage("--severity is info, success, warn, error or fatal, not \"" + options.severity + "\".");
    value.severity = *severity;
  }
  value.data = options.data;
  if (options.data.starts_with('@')) {
    auto text = read_file(options.data.substr(1));
    if (!text) return text.error();
    value.data = std::move(*text);
  }
  if (!value.data.empty()) {
    const auto data = parse_json(value.data);
    if (!data) return usage("--data is no JSON: " + data.error().what);
    value.data = compact_json(value.data);
  }
  if (auto fine = validate(value); !fine) return fine.error();
  return value;
}

void print_accepted(const boost::json::value& answer, const event& value) {
  const auto& accepted = answer.at("events").at(0);
  const bool duplicate = accepted.at("duplicate").as_bool();
  std::printf("%s %s  (id %s, source %s)\n", duplicate ? "duplicate of event" : "accepted event",
              accepted.at("id").as_string().c_str(), value.id.c_str(), value.source.c_str());
  if (!duplicate && accepted.at("deliveries").to_number<std::uint64_t>() == 0) {
    std::printf(
        "%s no route matches it, so nobody is told: compare types, severity and organization with [[routes]].\n",
        paint("warning:", colour::yellow).c_str());
  }
}

int wait_and_print(const publish_options& options, const boost::json::value& answer, std::chrono::milliseconds limit) {
  const std::string id(answer.at("events").at(0).at("id").as_string());
  std::fflush(stdout);
  const auto ended = wait_for_deliveries(options.config, id, limit);
  if (!ended) return fail(ended.error().why, options.json, ended.error().status);
  const bool good = !ended->timed_out && !has_failed(ended->deliveries);
  if (options.json) {
    auto out = answer.as_object();
    out["outcome"] = ended->timed_out ? "timeout" : good ? "done" : "failed";
    out["deliveries"] = ended->deliveries;
    std::printf("%s\n", boost::json::serialize(out).c_str());
  } else {
    if (!ended->deliveries.empty()) print_deliveries(ended->deliveries);
    if (ended->timed_out) {
      std::fprintf(stderr, "Not all of it came to an end within %s; `tocsin trace %s` tells how it goes on.\n",
                   options.timeout.c_str(), id.c_str());
    }
  }
  return good ? exit_done : exit_failed;
}

}  // namespace

int publish(const publish_options& options) {
  const auto limit = parse_duration(options.timeout);
  if (!limit) return fail(usage("--timeout is a length of time such as 90s."), options.json, exit_usage);
  const auto value = event_of(options);
  if (!value) return fail(value.error(), options.json, exit_usage);
  const auto answer = call(options.config, "POST", "/v1/events", "application/cloudevents+json", to_json(*value));
  if (!answer) return fail(answer.error().why, options.json, answer.error().status);
  if (!options.json) print_accepted(*answer, *value);
  if (options.wait) return wait_and_print(options, *answer, *limit);
  if (options.json) std::printf("%s\n", boost::json::serialize(*answer).c_str());
  return exit_done;
}

}  // namespace tocsin::app
