/* SPDX-License-Identifier: Apache-2.0 */
/* A channel takes messages out of the house. The plugin offers tocsin.channel/1, the host tocsin.host.complete/1. */
#ifndef TOCSIN_ABI_EXT_CHANNEL_H
#define TOCSIN_ABI_EXT_CHANNEL_H

#include <tocsin/abi/endpoint.h>
#include <tocsin/abi/message.h>
#include <tocsin/abi/outcome.h>
#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_CHANNEL "tocsin.channel/1-draft"
#define TOCSIN_HOST_COMPLETE "tocsin.host.complete/1-draft"

typedef struct tocsin_channel {
  uint32_t struct_size;
  uint32_t reserved;

  /* Take an endpoint's settings; connect nothing yet. On failure (settings that cannot work) the reason is written to
   * error, and the host pauses the endpoint as SETTINGS_INVALID. [control] active */
  tocsin_status (*open)(void* self, const tocsin_endpoint* endpoint, tocsin_endpoint_info* info,
                        const tocsin_sink* error);

  /* No deliver() for this endpoint comes any more. Deliveries that it still has are completed, or returned with
   * TOCSIN_CLASS_RETURNED, before this returns; its connections end. [control] active, draining */
  void (*close)(void* self, tocsin_token endpoint);

  /* Begin count deliveries, each for the endpoint that it names. Returns at once; every delivery is completed exactly
   * once through tocsin.host.complete/1, from any thread, possibly before this returns. Never more than the endpoint's
   * slots are in the channel's hands. The messages are borrowed for the call. One that is not completed when
   * close() or stop() has returned counts as uncertain. [worker] active */
  void (*deliver)(void* self, const tocsin_message* const* messages, uint64_t count);

  /* Give these deliveries back as soon as possible: one that was not begun is completed with TOCSIN_CLASS_RETURNED, one
   * whose data is on its way ends as it ends. Unknown or completed ones are passed over. [any] active, draining */
  void (*cancel)(void* self, const tocsin_token* deliveries, uint64_t count);
} tocsin_channel;

typedef struct tocsin_host_complete {
  uint32_t struct_size;
  uint32_t reserved;

  /* Hand in count outcomes, borrowed for the call and copied. A delivery that is not, or no longer, the channel's to
   * complete is reported in the log and passed over; so is a null among the outcomes. [any] active, draining */
  void (*complete)(void* context, const tocsin_outcome* const* outcomes, uint64_t count);
} tocsin_host_complete;

#ifdef __cplusplus
}
#endif

#endif
