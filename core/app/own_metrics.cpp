// What the host counts of itself, and where each number comes from; the names are in metric_table.cpp.
#include "core/app/own_metrics.hpp"

#include "core/app/metric_table.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <vector>

namespace tocsin::app {
namespace {

// Milliseconds: what a person waits for, up to what a server that is down for a day makes of it.
const std::vector<std::int64_t> latency_bounds{10,     50,     100,    250,     500,       1'000,     2'500,     5'000,
                                               10'000, 30'000, 60'000, 300'000, 1'800'000, 7'200'000, 86'400'000};
// Microseconds.
const std::vector<std::int64_t> attempt_bounds{1'000,      5'000,      10'000,     25'000,     50'000,
                                               100'000,    250'000,    500'000,    1'000'000,  2'500'000,
                                               10'000'000, 30'000'000, 60'000'000, 300'000'000};
const std::vector<std::int64_t> commit_bounds{100,    250,    500,     1'000,   2'500,     5'000,    10'000,
                                              25'000, 50'000, 100'000, 250'000, 1'000'000, 5'000'000};
const std::vector<std::int64_t> batch_bounds{1, 2, 5, 10, 20, 50, 100, 200, 500, 1'000, 4'000};

constexpr std::int64_t milliseconds_in_a_second = 1'000;
constexpr std::int64_t microseconds_in_a_second = 1'000'000;

std::int64_t microseconds_of(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

std::vector<metric_sample> one(std::uint64_t value) { return {{{}, static_cast<std::int64_t>(value)}}; }

}  // namespace

own_metrics::own_metrics(own_metrics_parts parts)
    : parts_(std::move(parts)),
      attempts_(*parts_.registry, listed_metric("tocsin_delivery_attempts_total"),
                labels_of("tocsin_delivery_attempts_total")),
      attempt_times_(*parts_.registry,
                     listed_metric("tocsin_delivery_attempt_seconds", microseconds_in_a_second, attempt_bounds),
                     labels_of("tocsin_delivery_attempt_seconds")),
      latencies_(*parts_.registry,
                 listed_metric("tocsin_delivery_latency_seconds", milliseconds_in_a_second, latency_bounds),
                 labels_of("tocsin_delivery_latency_seconds")),
      ends_(*parts_.registry, listed_metric("tocsin_deliveries_ended_total"),
            labels_of("tocsin_deliveries_ended_total")),
      requests_(*parts_.registry, listed_metric("tocsin_http_requests_total"),
                labels_of("tocsin_http_requests_total")) {
  parts_.registry->watch(listed_metric("tocsin_build_info"), [] {
    return std::vector<metric_sample>{{{{"version", TOCSIN_VERSION}}, 1}};
  });
  parts_.registry->watch(listed_metric("tocsin_start_time_seconds", milliseconds_in_a_second), [this] {
    return std::vector<metric_sample>{{{}, parts_.started}};
  });
  watch_events();
  watch_deliveries();
  watch_plugins();
}

void own_metrics::watch_events() {
  const auto count = [this](const char* name, std::uint64_t bus::statistics::*what) {
    parts_.registry->watch(listed_metric(name), [this, what] { return one(parts_.events().*what); });
  };
  count("tocsin_events_accepted_total", &bus::statistics::accepted);
  count("tocsin_events_duplicates_total", &bus::statistics::duplicates);
  count("tocsin_events_routed_total", &bus::statistics::routed);
  count("tocsin_events_unrouted_total", &bus::statistics::unrouted);
  count("tocsin_events_refused_total", &bus::statistics::refused);
  parts_.registry->watch(listed_metric("tocsin_subscriber_events_lost_total"), [this] {
    std::vector<metric_sample> samples;
    for (const auto& [name, lost] : parts_.subscriber_losses())
      samples.push_back({{{"subscriber", name}}, static_cast<std::int64_t>(lost)});
    return samples;
  });
}

void own_metrics::watch_deliveries() {
  parts_.registry->watch(listed_metric("tocsin_deliveries"), [this] {
    const std::lock_guard lock(mutex_);
    std::vector<metric_sample> samples;
    for (std::size_t state = 0; counts_ && state < counts_->size(); ++state)
      samples.push_back({{{"state", std::string(to_text(static_cast<delivery_state>(state)))}},
                         static_cast<std::int64_t>((*counts_)[state])});
    return samples;
  });
  parts_.registry->watch(listed_metric("tocsin_deliveries_taken_back_total"), [this] {
    const std::lock_guard lock(mutex_);
    std::vector<metric_sample> samples;
    for (const auto& [plugin, times] : taken_back_)
      samples.push_back({{{"plugin", plugin}, {"call", "channel.deliver"}}, times});
    return samples;
  });
  parts_.registry->watch(listed_metric("tocsin_deliveries_in_flight"), [this] {
    std::uint64_t sum = 0;
    for (const auto& endpoint : parts_.endpoints()) sum += endpoint.in_flight;
    return one(sum);
  });
  parts_.registry->watch(listed_metric("tocsin_endpoints_paused"), [this] {
    const auto all = parts_.endpoints();
    return one(static_cast<std::uint64_t>(
        std::count_if(all.begin(), all.end(), [](const auto& endpoint) { return endpoint.pause.has_value(); })));
  });
}

void own_metrics::watch_plugins() {
  parts_.registry->watch(listed_metric("tocsin_plugin_active"), [this] {
    std::map<std::string, std::int64_t> active;  // two files may have one id
    for (const plugin_info& plugin : parts_.plugins()) {
      if (plugin.id.empty()) continue;
      std::int64_t& value = active[plugin.id];
      value = std::max<std::int64_t>(value, plugin.state == plugin_state::active ? 1 : 0);
    }
    std::vector<metric_sample> samples;
    for (const auto& [id, value] : active) samples.push_back({{{"plugin", id}}, value});
    return samples;
  });
  parts_.registry->watch(listed_metric("tocsin_plugin_health"), [this] {
    std::vector<metric_sample> samples;
    for (const plugin_info& plugin : parts_.plugins())
      if (plugin.state == plugin_state::active && plugin.health)
        samples.push_back({{{"plugin", plugin.id}}, static_cast<std::int64_t>(plugin.health->state)});
    return samples;
  });
}

void own_metrics::taken_back(const std::string& plugin, std::size_t deliveries) {
  const std::lock_guard lock(mutex_);
  taken_back_[plugin] += static_cast<std::int64_t>(deliveries);
}

void own_metrics::measured(const delivery_measure& what) {
  const std::string& code = parts_.codes->find(what.code).code;
  if (what.attempted) {
    attempts_.record({what.channel, code}, 1);
    attempt_times_.record({what.channel}, microseconds_of(what.took));
  }
  if (!is_final(what.state)) return;
  ends_.record({what.channel, to_text(what.state), code}, 1);
  if (what.state == delivery_state::delivered) latencies_.record({what.channel}, what.age.count());
}

void own_metrics::answered(std::string_view route, int status) { requests_.record({route, std::to_string(status)}, 1); }

commit_observer count_commits(metric_registry& registry) {
  const auto made = [&registry](std::string_view name, std::int64_t divisor, std::vector<std::int64_t> bounds) {
    return registry.series(listed_metric(name, divisor, std::move(bounds)), {}).value();
  };
  return
      [commits = made("tocsin_store_commits_total", 1, {}), calls = made("tocsin_store_commit_calls", 1, batch_bounds),
       times = made("tocsin_store_commit_seconds", microseconds_in_a_second, commit_bounds)](
          std::size_t shared, std::chrono::nanoseconds took) {
        commits->record(1);
        calls->record(static_cast<std::int64_t>(shared));
        times->record(microseconds_of(took));
      };
}

std::string own_metrics::text(const state_counts* counts) const {
  {
    const std::lock_guard lock(mutex_);
    counts_ = counts != nullptr ? std::optional(*counts) : std::nullopt;
  }
  return parts_.registry->text();
}

}  // namespace tocsin::app
