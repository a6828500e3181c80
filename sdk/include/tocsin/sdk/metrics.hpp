// SPDX-License-Identifier: Apache-2.0
// tocsin.host.metrics/1: counters, gauges and histograms of a plugin's own, served by the host.
#pragma once

#include <tocsin/abi/ext/metrics.h>
#include <tocsin/sdk/host.hpp>

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace tocsin::sdk {

// What the three have in common. Make them in the plugin's constructor or in start() and keep them; copies record to
// the same series. Without the extension, or if the host refused the series (its log says why), recording does nothing.
class metric {
 public:
  explicit operator bool() const noexcept { return series_ != 0; }

 protected:
  metric() noexcept = default;
  // divisor: values are served divided by it, 1000 for milliseconds under a name that says seconds.
  metric(const host_api& host, tocsin_metric_kind kind, std::string_view name, std::string_view help,
         std::int64_t divisor, const std::int64_t* bounds, std::uint64_t bound_count,
         std::initializer_list<tocsin_field> labels) noexcept
      : context_(host.context()), table_(host.table<tocsin_host_metrics>(TOCSIN_HOST_METRICS)) {
    if (table_ == nullptr || table_->series == nullptr || table_->record == nullptr) return;
    tocsin_metric raw{};
    raw.struct_size = sizeof(raw);
    raw.kind = kind;
    raw.name = to_abi(name);
    raw.help = to_abi(help);
    raw.divisor = divisor;
    raw.bounds = bounds;
    raw.bound_count = bound_count;
    series_ = table_->series(context_, &raw, labels.begin(), labels.size());
  }

  void record(std::int64_t value) const noexcept {
    if (series_ != 0) table_->record(context_, series_, value);
  }

 private:
  void* context_ = nullptr;
  const tocsin_host_metrics* table_ = nullptr;
  std::uint64_t series_ = 0;
};

// name: "sessions_total" is served as tocsin_PLUGIN_sessions_total. labels: field("result", "failed"). [any] created,
// active
class counter : public metric {
 public:
  counter() noexcept = default;
  counter(const host_api& host, std::string_view name, std::string_view help,
          std::initializer_list<tocsin_field> labels = {}, std::int64_t divisor = 1) noexcept
      : metric(host, TOCSIN_METRIC_COUNTER, name, help, divisor, nullptr, 0, labels) {}
  // [any] created, active, draining. Cheap: no look-up, no lock.
  void add(std::int64_t count = 1) const noexcept { record(count); }
};

class gauge : public metric {
 public:
  gauge() noexcept = default;
  gauge(const host_api& host, std::string_view name, std::string_view help,
        std::initializer_list<tocsin_field> labels = {}, std::int64_t divisor = 1) noexcept
      : metric(host, TOCSIN_METRIC_GAUGE, name, help, divisor, nullptr, 0, labels) {}
  // As counter::add().
  void set(std::int64_t value) const noexcept { record(value); }
};

class histogram : public metric {
 public:
  histogram() noexcept = default;
  // bounds: upper bounds of the buckets, rising, undivided.
  histogram(const host_api& host, std::string_view name, std::string_view help, const std::vector<std::int64_t>& bounds,
            std::initializer_list<tocsin_field> labels = {}, std::int64_t divisor = 1) noexcept
      : metric(host, TOCSIN_METRIC_HISTOGRAM, name, help, divisor, bounds.data(), bounds.size(), labels) {}
  // As counter::add().
  void observe(std::int64_t value) const noexcept { record(value); }
};

}  // namespace tocsin::sdk
