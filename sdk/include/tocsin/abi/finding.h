/* SPDX-License-Identifier: Apache-2.0 */
/* A finding: one thing that a plugin's code says of settings. */
#ifndef TOCSIN_ABI_FINDING_H
#define TOCSIN_ABI_FINDING_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tocsin_finding {
  uint32_t struct_size;
  uint32_t fatal;     /* 1: the settings cannot work; 0: a warning */
  tocsin_string key;  /* the setting it is about, dotted: "tls.ca_file"; empty: all of them */
  tocsin_string code; /* "SETTINGS_INVALID" (so is an empty one), or a narrower one of the manifest's */
  tocsin_string text; /* what is wrong and what to do, one or two sentences */
} tocsin_finding;

/* Takes findings, each borrowed for its call; the host keeps the first 200 of a call, and 4 KiB of each text. Valid for
 * the duration of the call that carries it. [caller] active */
typedef struct tocsin_finding_report {
  uint32_t struct_size;
  uint32_t reserved;
  void* context;
  void (*finding)(void* context, const tocsin_finding* finding);
} tocsin_finding_report;

#ifdef __cplusplus
}
#endif

#endif
