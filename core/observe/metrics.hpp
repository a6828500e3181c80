// Metrics: named numbers of the host's and the plugins', served as Prometheus text. Recording takes no lock.
#pragma once

#include "core/model/fault.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

enum class metric_kind : std::uint8_t { counter, gauge, histogram };

struct metric_definition {
  std::string name;  // [a-z][a-z0-9_]*; a counter's ends in "_total", and no other's does
  std::string help;  // one sentence
  metric_kind kind = metric_kind::counter;
  std::int64_t divisor = 1;          // values are served divided by it; at least 1
  std::vector<std::int64_t> bounds;  // histogram: upper bounds of its buckets, rising, undivided
};

using metric_labels = std::vector<std::pair<std::string, std::string>>;  // name [a-z][a-z0-9_]*, value

// [a-z][a-z0-9_]*, of a length that fits: what the name of a metric or a label may be.
bool is_metric_name(std::string_view name);

// The numbers of one series. [any thread]
class metric_series {
 public:
  metric_series(metric_kind kind, std::vector<std::int64_t> bounds);

  // counter: adds (what is negative is passed over); gauge: sets; histogram: observes.
  void record(std::int64_t value);

  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }  // histogram: the sum
  // histogram: how many values each bucket has, the one above all bounds last.
  std::vector<std::uint64_t> buckets() const;

 private:
  const metric_kind kind_;
  const std::vector<std::int64_t> bounds_;
  std::atomic<std::int64_t> value_{0};
  std::vector<std::atomic<std::uint64_t>> buckets_;
};

struct metric_sample {
  metric_labels labels;
  std::int64_t value = 0;
};

// [any thread]
class metric_registry {
 public:
  // The series of these labels; asking again gives the same one. owner: the plugin whose metric it is; empty: the host.
  // Faults (METRIC_INVALID): the name or a label's name is wrong, the metric has another owner, kind, divisor, bounds
  // or names of labels, or its lines could not be told from those of another metric. Series live as long as the
  // registry.
  result<std::shared_ptr<metric_series>> series(const metric_definition& definition, metric_labels labels,
                                                std::string_view owner = {});

  // A counter or gauge of the host's that somebody else keeps, asked for whenever metrics are served: `read` may be
  // called on any thread as long as the registry lives. Before any plugin has metrics, so that the name is free.
  void watch(const metric_definition& definition, std::function<std::vector<metric_sample>()> read);

  // Prometheus text exposition format 0.0.4, in the order of the names. A metric without a series is left out.
  std::string text() const;

 private:
  struct family {
    metric_definition definition;
    std::string owner;
    std::vector<std::string> label_names;  // sorted
    std::map<metric_labels, std::shared_ptr<metric_series>> series;
    std::function<std::vector<metric_sample>()> read;  // instead of series
  };
  result<void> check_free(const metric_definition& definition) const;

  mutable std::mutex mutex_;
  std::map<std::string, family, std::less<>> families_;
};

}  // namespace tocsin
