/* SPDX-License-Identifier: Apache-2.0 */
/* A message: one delivery as a channel gets it. */
#ifndef TOCSIN_ABI_MESSAGE_H
#define TOCSIN_ABI_MESSAGE_H

#include <tocsin/abi/event.h>
#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tocsin_message {
  uint32_t struct_size;
  uint32_t attempt; /* 1 for the first */

  tocsin_token delivery; /* complete it exactly once (ext/channel.h) */
  tocsin_token endpoint; /* as the channel's open() returned it */

  tocsin_string recipient;    /* as the route gave it; not checked for the channel's syntax */
  tocsin_string organization; /* empty: the host's own */
  tocsin_string language;     /* BCP 47; never empty */

  /* Fixed when the delivery was made and the same in every attempt, so that a repeated copy is the same byte for byte.
   */
  tocsin_string message_id; /* left@right, without angle brackets */
  int64_t created_ms;       /* the message's date */

  /* The parts that the manifest's "parts" asked for; the others are empty. */
  tocsin_string subject; /* one line */
  tocsin_string text;    /* lines end in LF */
  tocsin_string html;    /* a whole document; lines end in LF */

  /* The event, or null for a digest. */
  const tocsin_event* event;
} tocsin_message;

#ifdef __cplusplus
}
#endif

#endif
