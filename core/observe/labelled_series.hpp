// The series of one metric by the values of its labels, found without a lock.
#pragma once

#include "core/observe/metrics.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// [any thread] A series is made at its first use, and lives as long as this. Beyond the bound all further values of
// labels count as "other", so that nobody can make series without end.
class labelled_series {
 public:
  static constexpr std::size_t most_series = 1'000;

  labelled_series(metric_registry& registry, metric_definition definition, std::vector<std::string> label_names);
  ~labelled_series();
  labelled_series(const labelled_series&) = delete;
  labelled_series& operator=(const labelled_series&) = delete;

  // As many values as there are names of labels.
  void record(std::initializer_list<std::string_view> values, std::int64_t value);

 private:
  struct entry {
    std::vector<std::string> values;
    std::shared_ptr<metric_series> series;
    entry* next = nullptr;
  };
  using list = std::atomic<entry*>;

  static entry* find(const list& in, std::initializer_list<std::string_view> values);
  entry* add(std::initializer_list<std::string_view> values);

  metric_registry& registry_;
  const metric_definition definition_;
  const std::vector<std::string> label_names_;
  std::mutex adding_;
  std::size_t count_ = 0;
  entry* others_ = nullptr;  // the last, for all that the bound keeps out
  std::array<list, 256> lists_{};
};

}  // namespace tocsin
