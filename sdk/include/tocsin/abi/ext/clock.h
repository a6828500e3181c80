/* SPDX-License-Identifier: Apache-2.0 */
/* The host's clock and timers. A plugin takes the time from here only, so that a test can turn the clock. */
#ifndef TOCSIN_ABI_EXT_CLOCK_H
#define TOCSIN_ABI_EXT_CLOCK_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_HOST_CLOCK "tocsin.host.clock/1-draft"
#define TOCSIN_HOST_TIMER "tocsin.host.timer/1-draft"
#define TOCSIN_EXT_TIMER "tocsin.timer/1-draft"

typedef struct tocsin_host_clock {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t (*now_ms)(void* context);        /* Unix time; may jump. [any] in any state */
  uint64_t (*monotonic_ns)(void* context); /* never goes back; its zero means nothing. [any] in any state */
} tocsin_host_clock;

typedef struct tocsin_host_timer {
  uint32_t struct_size;
  uint32_t reserved;

  /* Call tocsin.timer/1 fired(id) once, delay_ms from now (100,000 days at most, as which a longer delay counts). id is
   * the plugin's own number; starting one that runs sets it anew. From a plugin that does not offer tocsin.timer/1 it
   * is reported in the log and passed over. stop() ends every timer. [any] active */
  void (*start)(void* context, uint64_t id, uint64_t delay_ms);

  /* An id that does not run is passed over. A call that is already under way is not stopped. [any] active, draining */
  void (*cancel)(void* context, uint64_t id);
} tocsin_host_timer;

/* Offered by a plugin that uses tocsin.host.timer/1. */
typedef struct tocsin_timer {
  uint32_t struct_size;
  uint32_t reserved;

  /* The time of start(id) is over, and it was neither set anew nor cancelled. Calls about one id come one at a time.
   * Not before the plugin's start() has returned. [worker] active, draining */
  void (*fired)(void* self, uint64_t id);
} tocsin_timer;

#ifdef __cplusplus
}
#endif

#endif
