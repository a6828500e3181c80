// Numbers a plugin's series, so that recording finds one without a look-up.
#include "core/plugin_host/extensions/plugin_metrics.hpp"

#include <algorithm>

namespace tocsin {

result<std::uint64_t> plugin_metrics::number_of(metric_registry& all, const std::string& plugin,
                                                const metric_definition& definition, metric_labels labels) {
  std::sort(labels.begin(), labels.end());
  const std::lock_guard lock(mutex_);
  const auto known = numbers_.find({definition.name, labels});
  if (known == numbers_.end() && kept_.size() == most_series) {
    return fault{"METRIC_INVALID",
                 "The metric \"" + definition.name + "\" is refused: the plugin has " + std::to_string(most_series) +
                     " series already.",
                 "Give labels few values: no ids, no addresses.",
                 {}};
  }
  auto series = all.series(definition, labels, plugin);
  if (!series) return series.error();
  if (known != numbers_.end()) return known->second;
  if (!by_number_) by_number_ = std::make_unique<metric_series*[]>(most_series);
  by_number_[kept_.size()] = series->get();
  kept_.push_back(std::move(*series));
  numbers_.emplace(std::pair(definition.name, std::move(labels)), kept_.size());
  count_.store(kept_.size(), std::memory_order_release);
  return std::uint64_t{kept_.size()};
}

void plugin_metrics::record(std::uint64_t number, std::int64_t value) {
  if (number == 0 || number > count_.load(std::memory_order_acquire)) return;
  by_number_[number - 1]->record(value);
}

}  // namespace tocsin
