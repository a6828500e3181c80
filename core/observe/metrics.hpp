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
#include <utility>
#include <vector>

namespace tocsin {

enum class metric_kind : std::uint8_t { counter, gauge, histogram };

struct metric_definition {
  std::string name;  // [a-z][a-z0-9_]*, "tocsin_smtp_sessions_total"
  std::string help;  // one sentence
  metric_kind kind = metric_kind::counter;
  std::int64_t divisor = 1;          // values are served divided by it; at least 1
  std::vector<std::int64_t> bounds;  // histogram: upper bounds of its buckets, rising, undivided
};

using metric_labels = std::vector<std::pair<std::string, std::string>>;  // name [a-z][a-z0-9_]*, value

// The numbers of one series. [any thread]
class metric_series {
 public:
  metric_series(metric_kind kind, std::vector<std::int64_t> bounds);

  // counter: adds (what is negative is passed over); gauge: sets; histogram: observes.
  void record(std::int64_t value);
  void add(std::int64_t value) { value_.fetch_add(value, std::memory_order_relaxed); }  // gauge

  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }  // histogram: the sum
  // histogram: how many values each bucket has, the one above all bounds last.
  std::vector<std::uint64_t> buckets() const;

 private:
  const metric_kind kind_;
  const std::vector<std::int64_t> bounds_;
  std::atomic<std::int64_t> value_{0};
  std::vector<std::atomic<std::uint64_t>> buckets_;
};

// [any thread]
class metric_registry {
 public:
  // The series of these labels; asking again gives the same one. Faults (METRIC_INVALID): the name or a label's name is
  // wrong, or the metric has another kind, divisor, bounds or names of labels. Series live as long as the registry.
  result<std::shared_ptr<metric_series>> series(const metric_definition& definition, metric_labels labels);

  // A number that somebody else keeps, asked for whenever metrics are served. `read` may be called on any thread as
  // long as the registry lives.
  void watch(const metric_definition& definition, std::function<std::int64_t()> read);

  // Prometheus text exposition format 0.0.4, in the order of the names.
  std::string text() const;

 private:
  struct family {
    metric_definition definition;
    std::vector<std::string> label_names;  // sorted
    std::map<metric_labels, std::shared_ptr<metric_series>> series;
    std::function<std::int64_t()> read;
  };
  mutable std::mutex mutex_;
  std::map<std::string, family> families_;
};

}  // namespace tocsin
