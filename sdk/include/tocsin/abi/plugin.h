/* SPDX-License-Identifier: Apache-2.0 */
/* What a host sees of a plugin, and the life of one.
 *
 *   create() -> created -> start() -> active -> (draining) -> stop() -> stopped -> destroy()
 *
 * A host that drains a plugin hands it no new work and waits, for a bounded time, until what it has is done. */
#ifndef TOCSIN_ABI_PLUGIN_H
#define TOCSIN_ABI_PLUGIN_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tocsin_plugin {
  uint32_t struct_size;
  uint32_t reserved;
  void* self; /* the plugin's own; passed back as the first argument of every call */

  /* The table of one extension that the plugin offers (ext/...), or null. Each id that the manifest's "provides" names
   * must have one, and no other may. Valid until destroy(). [control] in any state. */
  const void* (*get_extension)(void* self, tocsin_string id);

  /* Look for services, start threads, be ready for work. On failure the reason is written to error and the plugin is
   * as it was after create(). [control] created, stopped. */
  tocsin_status (*start)(void* self, const tocsin_sink* error);

  /* Finish or abandon all work. After it returns the plugin calls nothing of the host's and has no thread. Endpoints
   * and sources that are still open are closed. [control] active, draining. */
  void (*stop)(void* self);

  /* The last call. [control] created, stopped. */
  void (*destroy)(void* self);
} tocsin_plugin;

#ifdef __cplusplus
}
#endif

#endif
