/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin sees of its host. */
#ifndef TOCSIN_ABI_HOST_H
#define TOCSIN_ABI_HOST_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Given to the plugin at creation; valid until its destroy() returns. Together with the extension tables that it hands
 * out it is the only pointer of the host's that a plugin may keep. */
typedef struct tocsin_host {
  uint32_t struct_size;
  uint32_t abi_version; /* TOCSIN_ABI_VERSION of the host */
  void* context;        /* pass it as the first argument of every function of the host's extensions */
  tocsin_string name;   /* "tocsin" */
  tocsin_string version;

  /* The table of one extension (ext/...: TOCSIN_HOST_...), or null if this host does not have it: the plugin goes on
   * without it, or fails start() with a sentence that names it. The table is valid as long as the host. [any] in any
   * state */
  const void* (*get_extension)(void* context, tocsin_string id);
} tocsin_host;

#ifdef __cplusplus
}
#endif

#endif
