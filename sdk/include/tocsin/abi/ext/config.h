/* SPDX-License-Identifier: Apache-2.0 */
/* What a plugin's code has to say of its settings, where the manifest's schema cannot: settings that contradict each
 * other, and settings of an older version. */
#ifndef TOCSIN_ABI_EXT_CONFIG_H
#define TOCSIN_ABI_EXT_CONFIG_H

#include <tocsin/abi/finding.h>
#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_CONFIG "tocsin.config/1-draft"

typedef struct tocsin_config_input {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_string table;        /* "channels", "sources", "subscribers" or "secrets" */
  tocsin_string name;         /* NAME of [table.NAME] */
  tocsin_string organization; /* the level it is for; empty: the host */
  tocsin_string settings; /* JSON; check(): in the form of tocsin_endpoint.settings; migrate(): as they were written */
} tocsin_config_input;

typedef struct tocsin_config {
  uint32_t struct_size;
  uint32_t reserved;

  /* Look at settings that hold the schema. Must not touch the network. A fatal finding keeps the
   * source or subscription closed and the secret store unused, and pauses the endpoint, with its code. All is borrowed
   * for the call. [control] active */
  void (*check)(void* self, const tocsin_config_input* input, const tocsin_finding_report* report);

  /* Settings that do not hold the schema, as they were written: if they are an older version's, write the whole table
   * in today's form to settings, and say in findings which key became what; the host checks the result against the
   * schema, uses it, and leaves the file alone. settings takes 1 MiB. TOCSIN_UNSUPPORTED, as any other failure: they
   * are nothing that was ever right, and stay an error; the first finding may say why. All is borrowed for the call.
   * May be null: there is no older version. [control] active */
  tocsin_status (*migrate)(void* self, const tocsin_config_input* input, const tocsin_sink* settings,
                           const tocsin_finding_report* report);
} tocsin_config;

#ifdef __cplusplus
}
#endif

#endif
