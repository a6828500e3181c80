// `tocsin queue watch`: the queue as it goes, until Ctrl-C.
#include <unistd.h>
#include <boost/json.hpp>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/app/commands.hpp"
#include "core/app/console.hpp"
#include "core/app/queue_words.hpp"
#include "core/app/remote.hpp"
#include "core/app/signals.hpp"
#include "core/model/timestamp.hpp"

namespace tocsin::app {
namespace {

namespace json = boost::json;
using steady = std::chrono::steady_clock;

struct sample {
  json::object counts;
  json::array endpoints;
  json::array failures;
  steady::time_point taken;
  std::optional<double> per_second;  // deliveries that got through since the last sample
};

std::uint64_t number(const json::object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}

std::string now_text() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return to_rfc3339(std::chrono::duration_cast<std::chrono::seconds>(since).count() * 1'000);
}

boost::system::result<sample, remote_error> take(const watch_options& options, const std::optional<sample>& last) {
  const auto counts = call(options.config, "GET", "/v1/queue");
  if (!counts) return counts.error();
  const auto endpoints = call(options.config, "GET", "/v1/queue/endpoints");
  if (!endpoints) return endpoints.error();
  sample made{counts->as_object(), endpoints->at("endpoints").as_array(), {}, steady::now(), {}};
  for (const auto* state : {"dead", "deferred"}) {
    const auto failed = call(options.config, "GET", std::string("/v1/deliveries?limit=3&state=") + state);
    if (!failed) return failed.error();
    for (const auto& each : failed->at("deliveries").as_array()) made.failures.push_back(each);
  }
  if (last) {
    const std::chrono::duration<double> between = made.taken - last->taken;
    const auto got_through = number(made.counts, "delivered"), before = number(last->counts, "delivered");
    if (between.count() > 0 && got_through >= before) {
      made.per_second = static_cast<double>(got_through - before) / between.count();
    }
  }
  return made;
}

std::string rate_of(const sample& now) {
  if (!now.per_second) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f/s", *now.per_second);
  return text;
}

std::string name_of(const json::object& endpoint) {
  const auto whose = shown(endpoint, "organization");
  return shown(endpoint, "channel") + (whose == "-" ? "" : " of " + whose);
}

std::string waiting_on(const json::object& endpoint) {
  return shown(endpoint, "waiting") + (endpoint.at("waiting_more").as_bool() ? "+" : "");
}

void draw(const sample& now) {
  std::printf("\x1b[H\x1b[J%s  %s   delivered %s\n\n", paint("tocsin queue", colour::bold).c_str(), now_text().c_str(),
              paint(rate_of(now), colour::green).c_str());
  std::vector<std::string> head, line;
  for (const auto& [state, count] : now.counts) {
    head.emplace_back(state);
    line.push_back(paint(json::serialize(count), number(now.counts, state) > 0 ? colour_of_state(state) : colour::dim));
  }
  print_table(head, {line});
  std::printf("\n");
  std::vector<std::vector<std::string>> rows;
  for (const auto& element : now.endpoints) {
    const auto& endpoint = element.as_object();
    const auto* pause = endpoint.at("paused").if_object();
    rows.push_back({name_of(endpoint), waiting_on(endpoint),
                    shown(endpoint, "in_flight") + " of " + shown(endpoint, "slots"),
                    pause == nullptr ? paint("runs", colour::green)
                                     : paint("paused by " + shown(*pause, "code"), colour::yellow) + ", probe " +
                                           relative_to_now(shown(*pause, "probe_at"))});
  }
  print_table({"CHANNEL", "WAITING", "SENDING", "STATE"}, rows);
  if (!now.failures.empty()) {
    std::printf("\n%s\n", paint("last failures", colour::bold).c_str());
    print_deliveries(now.failures);
  }
  std::printf("\n%s\n", paint("Ctrl-C ends", colour::dim).c_str());
}

void print_line(const sample& now) {
  std::string line = now_text();
  for (const auto& [state, count] : now.counts) {
    if (number(now.counts, state) > 0) line.append("  ").append(state).append(" ").append(json::serialize(count));
  }
  line += "  rate " + rate_of(now);
  for (const auto& element : now.endpoints) {
    const auto& endpoint = element.as_object();
    if (const auto* pause = endpoint.at("paused").if_object()) {
      line += "  paused: " + name_of(endpoint) + " " + shown(*pause, "code") + ", waiting " + waiting_on(endpoint);
    }
  }
  std::printf("%s\n", line.c_str());
}

void print_json(const sample& now) {
  json::object line{{"at", now_text()}, {"counts", now.counts}};
  line["delivered_per_second"] = now.per_second ? json::value(*now.per_second) : json::value(nullptr);
  line["endpoints"] = now.endpoints;
  line["failures"] = now.failures;
  std::printf("%s\n", json::serialize(line).c_str());
}

}  // namespace

int queue_watch(const watch_options& options) {
  block_signals();
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  const std::chrono::milliseconds interval{static_cast<std::int64_t>(options.interval * 1'000)};
  std::optional<sample> last;
  for (;;) {
    auto now = take(options, last);
    if (now) {
      if (options.json) {
        print_json(*now);
      } else if (terminal) {
        draw(*now);
      } else {
        print_line(*now);
      }
      last = std::move(*now);
    } else if (!last) {
      return fail(now.error().why, options.json, now.error().status);
    } else {
      std::fprintf(stderr, "%s\n", now.error().why.to_string().c_str());
    }
    std::fflush(stdout);
    if (wait_for_signal(interval)) return exit_done;
  }
}

}  // namespace tocsin::app
