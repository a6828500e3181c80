/* SPDX-License-Identifier: Apache-2.0 */
/* The one symbol that a plugin's library exports. */
#ifndef TOCSIN_ABI_ENTRY_H
#define TOCSIN_ABI_ENTRY_H

#include <tocsin/abi/host.h>
#include <tocsin/abi/plugin.h>
#include <tocsin/abi/types.h>
#include <tocsin/abi/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The plugin's introduction. The host compares struct_size and abi_version before it calls anything, and refuses a
 * plugin whose id or version differ from its manifest. */
typedef struct tocsin_entry {
  uint32_t struct_size;
  uint32_t abi_version;  /* TOCSIN_ABI_VERSION that the plugin was built with */
  tocsin_string id;      /* as in the manifest */
  tocsin_string version; /* as in the manifest */

  /* Make one instance. Do no more than that: no thread, no file, no network before start(). host is valid until the
   * instance's destroy() returns. On failure the reason is written to error and *plugin is left alone. [control] in any
   * state */
  tocsin_status (*create)(const tocsin_host* host, const tocsin_plugin** plugin, const tocsin_sink* error);
} tocsin_entry;

/* Returns a static table; never null. Runs no other code of the plugin's. [control] in any state */
const tocsin_entry* tocsin_plugin_entry_v1(void);

#define TOCSIN_ENTRY_SYMBOL "tocsin_plugin_entry_v1"

#if defined(_WIN32)
#define TOCSIN_EXPORT __declspec(dllexport)
#else
#define TOCSIN_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
}
#endif

#endif
