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
   * must have one with every function in it (but those that may be null), and no other may; else the host refuses the
   * plugin. Always the same table for an id, valid until destroy(). [control] in any state. */
  const void* (*get_extension)(void* self, tocsin_string id);

  /* Look for services, start threads, be ready for work. From here on the plugin counts as active: it may call what may
   * be called in that state, such as publish() and the timer's start(); the host's own calls, published() and fired()
   * among them, come after this has returned. On failure the reason is written to error and the plugin is as it was
   * after create(): no thread of its own is left, and neither fired() nor published() comes. start() again or
   * destroy() follows. [control] created, stopped. */
  tocsin_status (*start)(void* self, const tocsin_sink* error);

  /* Finish or abandon all work. After it returns the plugin calls nothing of the host's and has no thread. Endpoints,
   * sources, subscriptions and secret stores that are still open are closed by it: no close() comes. A delivery that it
   * leaves without an outcome counts as uncertain. [control] active, draining. */
  void (*stop)(void* self);

  /* The last call: frees what create() made. Of the host it may call only what may be called in any state.
   * [control] created, stopped. */
  void (*destroy)(void* self);
} tocsin_plugin;

#ifdef __cplusplus
}
#endif

#endif
