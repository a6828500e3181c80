/* SPDX-License-Identifier: Apache-2.0 */
/* tocsin.host.metrics/1 in plain C: a plugin's own numbers, which the host serves at /metrics. Make the series in
 * start() and keep them. Where the host has no metrics, or refused a series (its log says why), recording does nothing.
 *
 *   failed = tocsin_counter(self, "sessions_total", "Sessions, by how they ended.", "result", "failed");
 *   tocsin_record(self, failed, 1); */
#ifndef TOCSIN_C_METRICS_H
#define TOCSIN_C_METRICS_H

#include <tocsin/abi/ext/metrics.h>
#include <tocsin/c/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One series; label NULL: it has none. divisor: values are served divided by it. bounds: of a histogram. */
static inline uint64_t tocsin_series(void* self, tocsin_metric_kind kind, const char* name, const char* help,
                                     const int64_t* bounds, uint64_t bound_count, int64_t divisor, const char* label,
                                     const char* value) {
  const tocsin_host_metrics* host = ((tocsin_c_plugin*)self)->metrics;
  tocsin_metric metric;
  tocsin_field field;
  if (!TOCSIN_C_OFFERS(tocsin_host_metrics, host, series)) return 0;
  memset(&metric, 0, sizeof(metric));
  memset(&field, 0, sizeof(field));
  metric.struct_size = sizeof(metric);
  metric.kind = kind;
  metric.name = tocsin_text(name);
  metric.help = tocsin_text(help);
  metric.divisor = divisor;
  metric.bounds = bounds;
  metric.bound_count = bound_count;
  if (label != NULL) {
    field.name = tocsin_text(label);
    field.value = tocsin_text(value);
  }
  return host->series(tocsin_context(self), &metric, label == NULL ? NULL : &field, label == NULL ? 0 : 1);
}

/* A number that only grows; its name ends in _total. */
static inline uint64_t tocsin_counter(void* self, const char* name, const char* help, const char* label,
                                      const char* value) {
  return tocsin_series(self, TOCSIN_METRIC_COUNTER, name, help, NULL, 0, 1, label, value);
}

/* A number that goes up and down. */
static inline uint64_t tocsin_gauge(void* self, const char* name, const char* help, const char* label,
                                    const char* value) {
  return tocsin_series(self, TOCSIN_METRIC_GAUGE, name, help, NULL, 0, 1, label, value);
}

/* How values spread. bounds: upper ones of the buckets, rising; divisor 1000: recorded in milliseconds under a name
 * that says seconds. */
static inline uint64_t tocsin_histogram(void* self, const char* name, const char* help, const int64_t* bounds,
                                        uint64_t bound_count, int64_t divisor) {
  return tocsin_series(self, TOCSIN_METRIC_HISTOGRAM, name, help, bounds, bound_count, divisor, NULL, NULL);
}

/* Add to a counter, set a gauge, observe a value. From any thread. */
static inline void tocsin_record(void* self, uint64_t series, int64_t value) {
  const tocsin_host_metrics* host = ((tocsin_c_plugin*)self)->metrics;
  if (series != 0 && TOCSIN_C_OFFERS(tocsin_host_metrics, host, record))
    host->record(tocsin_context(self), series, value);
}

#ifdef __cplusplus
}
#endif

#endif
