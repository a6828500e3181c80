/* SPDX-License-Identifier: Apache-2.0 */
/* A preset fills in, checks and explains a channel's settings. Its defaults, constraints, quotas and table of replies
 * are manifest data that the host reads without running the plugin; this extension is for what data cannot say. */
#ifndef TOCSIN_ABI_EXT_PRESET_H
#define TOCSIN_ABI_EXT_PRESET_H

#include <tocsin/abi/endpoint.h>
#include <tocsin/abi/finding.h>
#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_PRESET "tocsin.preset/1-draft"

typedef struct tocsin_preset {
  uint32_t struct_size;
  uint32_t reserved;

  /* Look at an endpoint's effective settings, borrowed for the call. Must not touch the network. A fatal finding pauses
   * the endpoint, with its code. [control] active */
  void (*check)(void* self, const tocsin_endpoint* endpoint, const tocsin_finding_report* report);
} tocsin_preset;

#ifdef __cplusplus
}
#endif

#endif
