/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics that the host serves at /metrics beside its own. */
#ifndef TOCSIN_ABI_EXT_METRICS_H
#define TOCSIN_ABI_EXT_METRICS_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_HOST_METRICS "tocsin.host.metrics/1-draft"

typedef uint32_t tocsin_metric_kind; /* one that the host does not know is refused: series() answers 0 */
#define TOCSIN_METRIC_COUNTER 0u     /* record() adds a value that is not negative */
#define TOCSIN_METRIC_GAUGE 1u       /* record() sets the value */
#define TOCSIN_METRIC_HISTOGRAM 2u   /* record() observes one value */

/* One metric: served as tocsin_PLUGIN_NAME, the plugin's id with "_" for "-". */
typedef struct tocsin_metric {
  uint32_t struct_size;
  tocsin_metric_kind kind;
  tocsin_string name; /* [a-z][a-z0-9_]*, at most 100 bytes, with its unit at the end: "tls_handshake_seconds";
                       * a counter's ends in _total, and no other's does: "sessions_total" */
  tocsin_string help; /* one sentence, of which 256 bytes are kept */
  int64_t divisor;    /* values are served divided by it: 1000 for milliseconds under a name that says seconds; >= 1 */
  const int64_t* bounds; /* histogram: upper bounds of its buckets, rising, in undivided values; 64 at most */
  uint64_t bound_count;
} tocsin_metric;

typedef struct tocsin_host_metrics {
  uint32_t struct_size;
  uint32_t reserved;

  /* A series of a metric, told apart by its labels (names [a-z][a-z0-9_]*; every series of a metric bears the same
   * names, at most 16; few values: no ids, no addresses; what is longer than 256 bytes is cut). Asking again for the
   * same one gives the same number. 0: refused, the log says why (wrong name, another kind under this name, over 1,000
   * series of the plugin's). All is borrowed for the call. [any] created, active */
  uint64_t (*series)(void* context, const tocsin_metric* metric, const tocsin_field* labels, uint64_t label_count);

  /* One value. Cheap: no look-up, no lock. A series that series() never answered, 0 among them, is passed over. [any]
   * created, active, draining */
  void (*record)(void* context, uint64_t series, int64_t value);
} tocsin_host_metrics;

#ifdef __cplusplus
}
#endif

#endif
