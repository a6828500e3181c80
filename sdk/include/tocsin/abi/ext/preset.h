/* SPDX-License-Identifier: Apache-2.0 */
/* A preset fills in, checks and explains a channel's settings. Its defaults, constraints, quotas and table of replies
 * are manifest data that the host reads without running the plugin; this extension is for what data cannot say. */
#ifndef TOCSIN_ABI_EXT_PRESET_H
#define TOCSIN_ABI_EXT_PRESET_H

#include <tocsin/abi/endpoint.h>
#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_PRESET "tocsin.preset/1-draft"

typedef struct tocsin_preset_finding {
  uint32_t struct_size;
  uint32_t fatal;     /* 1: the settings cannot work; 0: a warning */
  tocsin_string key;  /* the setting it is about */
  tocsin_string code; /* "SETTINGS_INVALID", or a narrower one of the manifest's */
  tocsin_string text; /* what is wrong and what to do, one or two sentences */
} tocsin_preset_finding;

/* Takes findings, each borrowed for its call. Valid for the duration of check(). [caller] active */
typedef struct tocsin_preset_report {
  uint32_t struct_size;
  uint32_t reserved;
  void* context;
  void (*finding)(void* context, const tocsin_preset_finding* finding);
} tocsin_preset_report;

typedef struct tocsin_preset {
  uint32_t struct_size;
  uint32_t reserved;

  /* Look at an endpoint's effective settings. Must not touch the network. [control] active */
  void (*check)(void* self, const tocsin_endpoint* endpoint, const tocsin_preset_report* report);
} tocsin_preset;

#ifdef __cplusplus
}
#endif

#endif
