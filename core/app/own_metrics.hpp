// What the host counts of itself, served at /metrics; docs/metrics.md lists it, and a test compares the two.
#pragma once

#include "core/bus/bus.hpp"
#include "core/delivery/dispatcher.hpp"
#include "core/model/code.hpp"
#include "core/observe/labelled_series.hpp"
#include "core/observe/metrics.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/store/sqlite_store.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::app {

struct own_metrics_parts {
  metric_registry* registry = nullptr;
  time_ms started = 0;
  const code_table* codes = nullptr;
  std::function<bus::statistics()> events;
  std::function<std::map<std::string, std::uint64_t>()> subscriber_losses;  // by name
  std::function<std::vector<dispatcher::endpoint_status>()> endpoints;
  std::function<std::vector<plugin_info>()> plugins;
};

// Made before any plugin can ask for a metric. [any thread]
class own_metrics {
 public:
  explicit own_metrics(own_metrics_parts parts);

  // As dispatcher_parts::measured. A code that nobody explains counts as UNKNOWN, so that a plugin cannot make series.
  void measured(const delivery_measure& what);
  // As api_parts::answered.
  void answered(std::string_view route, int status);

  // As dispatcher_parts::taken_back.
  void taken_back(const std::string& plugin, std::size_t deliveries);

  // counts: what the store has now; null: it does not answer, and its metric is left out.
  std::string text(const state_counts* counts) const;

 private:
  void watch_events();
  void watch_deliveries();
  void watch_plugins();

  const own_metrics_parts parts_;
  labelled_series attempts_, attempt_times_, latencies_, ends_, requests_;
  mutable std::mutex mutex_;                        // guards what follows
  std::map<std::string, std::int64_t> taken_back_;  // by plugin
  mutable std::optional<state_counts> counts_;
};

// Counts a store's commits; the registry outlives the store.
commit_observer count_commits(metric_registry& registry);

}  // namespace tocsin::app
