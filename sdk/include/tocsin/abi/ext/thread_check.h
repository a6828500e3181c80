/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the host what kind of thread this is, for assertions in a plugin's own code. */
#ifndef TOCSIN_ABI_EXT_THREAD_CHECK_H
#define TOCSIN_ABI_EXT_THREAD_CHECK_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_HOST_THREAD_CHECK "tocsin.host.thread_check/1-draft"

typedef uint32_t tocsin_thread_kind; /* a plugin treats a value that it does not know as TOCSIN_THREAD_OTHER */
#define TOCSIN_THREAD_OTHER 0u   /* the host is not calling this plugin here: a thread of its own, or of a service's */
#define TOCSIN_THREAD_CONTROL 1u /* within a [control] call of the host's to this plugin */
#define TOCSIN_THREAD_WORKER 2u  /* within a [worker] or [any] call of the host's to this plugin */

typedef struct tocsin_host_thread_check {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_thread_kind (*current)(void* context); /* [any] in any state */
} tocsin_host_thread_check;

#ifdef __cplusplus
}
#endif

#endif
