/* SPDX-License-Identifier: Apache-2.0 */
/* A subscriber gets a copy of the events that its settings ask for: for an audit trail, a dashboard, a bridge to
 * another bus. The plugin offers tocsin.subscriber/1; the host calls it after the event is on disk.
 *
 * Each event is handed over at most once: a subscriber is no delivery, has no retry and holds nobody up. What came
 * while it was away or fell too far behind is told as a number. Sensitive events never come here. */
#ifndef TOCSIN_ABI_EXT_SUBSCRIBER_H
#define TOCSIN_ABI_EXT_SUBSCRIBER_H

#include <tocsin/abi/event.h>
#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_SUBSCRIBER "tocsin.subscriber/1-draft"

typedef struct tocsin_subscription {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_string name;     /* NAME of [subscribers.NAME] */
  tocsin_string settings; /* JSON, in the form of tocsin_endpoint.settings */
} tocsin_subscription;

typedef struct tocsin_subscriber {
  uint32_t struct_size;
  uint32_t reserved;

  /* Begin a configured subscription and answer the token that names it, not {0, 0} and not that of another open one. On
   * failure the reason is written to error, and the subscription does not run. The subscription is borrowed for the
   * call. When the settings change, the new one of the same name is opened before the old one is closed; one that is
   * refused meanwhile is tried again without the old one. [control] active */
  tocsin_status (*open)(void* self, const tocsin_subscription* subscription, tocsin_token* token,
                        const tocsin_sink* error);

  /* The end of it: no events() for it comes any more. [control] active, draining */
  void (*close)(void* self, tocsin_token subscription);

  /* count events that were accepted, in the order of their commit, borrowed for the call. Calls for one subscription
   * come one at a time; what comes in meanwhile waits for the next, in a bounded queue. lost: how many were passed over
   * since the call before, because that queue was full or nobody knows what became of them. [worker] active */
  void (*events)(void* self, tocsin_token subscription, const tocsin_event* const* events, uint64_t count,
                 uint64_t lost);
} tocsin_subscriber;

#ifdef __cplusplus
}
#endif

#endif
