// The series that one plugin records to, by the numbers that it was given for them.
#pragma once

#include "core/model/fault.hpp"
#include "core/observe/metrics.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

// [any thread]
class plugin_metrics {
 public:
  static constexpr std::size_t most_series = 1000;

  // The number of the series of these labels, the same for the same ones; never 0. Faults: METRIC_INVALID, also for one
  // series more than there may be.
  result<std::uint64_t> number_of(metric_registry& all, const std::string& plugin, const metric_definition& definition,
                                  metric_labels labels);
  // Takes no lock. A number that was never given is passed over.
  void record(std::uint64_t number, std::int64_t value);

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, metric_labels>, std::uint64_t> numbers_;
  std::vector<std::shared_ptr<metric_series>> kept_;
  std::unique_ptr<metric_series*[]> by_number_;  // made with the first; written below count_ only
  std::atomic<std::size_t> count_{0};
};

}  // namespace tocsin
