/* SPDX-License-Identifier: Apache-2.0 */
/* An outcome: what one attempt at a delivery came to. */
#ifndef TOCSIN_ABI_OUTCOME_H
#define TOCSIN_ABI_OUTCOME_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the host does next. A value that it does not know is treated as TOCSIN_CLASS_TRANSIENT. */
typedef uint32_t tocsin_outcome_class;
#define TOCSIN_CLASS_DELIVERED 0u /* done: the other side has taken responsibility */
#define TOCSIN_CLASS_PERMANENT 1u /* will never work: the delivery is dead */
#define TOCSIN_CLASS_TRANSIENT 2u /* may work later: backoff */
#define TOCSIN_CLASS_THROTTLED 3u /* too fast: wait as long as the other side says */
#define TOCSIN_CLASS_CONFIG 4u    /* the endpoint's settings are wrong: it is paused, its deliveries wait */
#define TOCSIN_CLASS_AUTH 5u      /* the endpoint's account is refused: it is paused, its deliveries wait */
#define TOCSIN_CLASS_UNCERTAIN 6u /* the connection was lost after the message and before its answer */
#define TOCSIN_CLASS_RETURNED 7u  /* nothing was tried (stop, cancel, lost idle connection): no attempt is counted */

typedef struct tocsin_outcome {
  uint32_t struct_size;
  tocsin_outcome_class outcome_class;
  tocsin_token delivery;
  tocsin_string code;         /* a stable upper-case word of at most 64 bytes; one of the manifest's "codes" */
  int64_t retry_after_ms;     /* the other side's wish, or -1 (as is anything below 0) */
  tocsin_string detail;       /* our words, one line: what happened here; empty: the code's own explanation serves */
  tocsin_string server_reply; /* the other side's words, as it said them, one line; of this and detail 4 KiB are kept */
  tocsin_string transcript;   /* the dialogue without secrets, of which 8 KiB are kept; may be empty */
} tocsin_outcome;

#ifdef __cplusplus
}
#endif

#endif
