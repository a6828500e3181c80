// The list of the host's own metrics, and where each gets its numbers.
#include "core/app/own_metrics.hpp"

#include <algorithm>

namespace tocsin::app {
namespace {

metric_definition counter(std::string name, std::string help) {
  return {std::move(name), std::move(help), metric_kind::counter, 1, {}};
}

metric_definition gauge(std::string name, std::string help, std::int64_t divisor = 1) {
  return {std::move(name), std::move(help), metric_kind::gauge, divisor, {}};
}

std::vector<metric_sample> one(std::uint64_t value) { return {{{}, static_cast<std::int64_t>(value)}}; }

}  // namespace

own_metrics::own_metrics(own_metrics_parts parts) : parts_(std::move(parts)) {
  parts_.registry->watch(gauge("tocsin_build_info", "The host's version, as a label; the value is 1."), [] {
    return std::vector<metric_sample>{{{{"version", TOCSIN_VERSION}}, 1}};
  });
  parts_.registry->watch(gauge("tocsin_start_time_seconds", "When the host started, in seconds of Unix time.", 1000),
                         [this] {
                           return std::vector<metric_sample>{{{}, parts_.started}};
                         });
  watch_events();
  watch_deliveries();
  watch_plugins();
}

void own_metrics::watch_events() {
  const auto count = [this](const char* name, const char* help, std::uint64_t bus::statistics::*what) {
    parts_.registry->watch(counter(name, help), [this, what] { return one(parts_.events().*what); });
  };
  count("tocsin_events_accepted_total", "Events that were written down.", &bus::statistics::accepted);
  count("tocsin_events_duplicates_total", "Events whose identity was known already.", &bus::statistics::duplicates);
  count("tocsin_events_unrouted_total", "Events that no route matched.", &bus::statistics::unrouted);
  count("tocsin_events_refused_total", "Events that were not taken.", &bus::statistics::refused);
  parts_.registry->watch(
      counter("tocsin_subscriber_events_lost_total", "Events that a subscriber asked for and did not get."), [this] {
        std::vector<metric_sample> samples;
        for (const auto& [name, lost] : parts_.subscriber_losses())
          samples.push_back({{{"subscriber", name}}, static_cast<std::int64_t>(lost)});
        return samples;
      });
}

void own_metrics::watch_deliveries() {
  parts_.registry->watch(gauge("tocsin_deliveries", "Deliveries in the store, by state."), [this] {
    const std::lock_guard lock(mutex_);
    std::vector<metric_sample> samples;
    for (std::size_t state = 0; counts_ && state < counts_->size(); ++state)
      samples.push_back({{{"state", std::string(to_text(static_cast<delivery_state>(state)))}},
                         static_cast<std::int64_t>((*counts_)[state])});
    return samples;
  });
  parts_.registry->watch(
      counter("tocsin_delivery_attempts_total", "Attempts that have ended, by channel and outcome code."), [this] {
        const std::lock_guard lock(mutex_);
        std::vector<metric_sample> samples;
        for (const auto& [what, times] : attempts_)
          samples.push_back({{{"channel", what.first}, {"code", what.second}}, times});
        return samples;
      });
  parts_.registry->watch(
      counter("tocsin_deliveries_taken_back_total",
              "Deliveries that a plugin did not complete within delivery_limit, by plugin and call."),
      [this] {
        const std::lock_guard lock(mutex_);
        std::vector<metric_sample> samples;
        for (const auto& [plugin, times] : taken_back_)
          samples.push_back({{{"plugin", plugin}, {"call", "channel.deliver"}}, times});
        return samples;
      });
  parts_.registry->watch(gauge("tocsin_endpoints_paused", "Endpoints that are paused."), [this] {
    const auto all = parts_.endpoints();
    return one(static_cast<std::uint64_t>(
        std::count_if(all.begin(), all.end(), [](const auto& endpoint) { return endpoint.pause.has_value(); })));
  });
}

void own_metrics::watch_plugins() {
  parts_.registry->watch(gauge("tocsin_plugin_active", "1: the plugin runs; 0: it does not."), [this] {
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
  parts_.registry->watch(
      gauge("tocsin_plugin_health", "What an active plugin says of itself: 0 good, 1 degraded, 2 failing."), [this] {
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

void own_metrics::attempted(const std::string& channel, const std::string& code) {
  const std::string& known = parts_.codes->find(code).code;
  const std::lock_guard lock(mutex_);
  ++attempts_[{channel, known}];
}

std::string own_metrics::text(const state_counts* counts) const {
  {
    const std::lock_guard lock(mutex_);
    counts_ = counts != nullptr ? std::optional(*counts) : std::nullopt;
  }
  return parts_.registry->text();
}

}  // namespace tocsin::app
