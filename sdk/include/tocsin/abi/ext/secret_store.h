/* SPDX-License-Identifier: Apache-2.0 */
/* A secret store serves references in settings: with [secrets.vault], password = "vault:smtp/orchestrator#password" is
 * asked of it. The plugin offers tocsin.secrets/1, the host tocsin.host.secret_answer/1.
 *
 * The host asks when settings are loaded and again when a value has run out, keeps values in memory only and hands them
 * out through tocsin.host.secrets/1 (ext/secrets.h). */
#ifndef TOCSIN_ABI_EXT_SECRET_STORE_H
#define TOCSIN_ABI_EXT_SECRET_STORE_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_SECRETS "tocsin.secrets/1-draft"
#define TOCSIN_HOST_SECRET_ANSWER "tocsin.host.secret_answer/1-draft"

typedef struct tocsin_secret_store_config {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_string name;     /* NAME of [secrets.NAME]: what stands before the colon of a reference */
  tocsin_string settings; /* JSON, in the form of tocsin_endpoint.settings */
} tocsin_secret_store_config;

/* The answer to one fetch(). status: TOCSIN_OK; TOCSIN_INVALID: there is no such secret; else failed, as with
 * TOCSIN_UNAVAILABLE: not now, and the host asks again. */
typedef struct tocsin_secret_answer {
  uint32_t struct_size;
  tocsin_status status;
  tocsin_bytes value; /* TOCSIN_OK only: 1 byte to 64 KiB, else the answer counts as failed */
  int64_t valid_ms; /* how long it may be used, from now, at least 1 s; below 0: until the settings are loaded again */
  tocsin_string reason; /* else: why, one line of at most 1 KiB; never the value */
} tocsin_secret_answer;

typedef struct tocsin_secret_store {
  uint32_t struct_size;
  uint32_t reserved;

  /* Take the store's settings and answer the token that names it, not {0, 0} and not that of another open store;
   * connect nothing yet. On failure the reason is written to error, and every reference to it is SETTINGS_INVALID.
   * Borrowed for the call. [control] active */
  tocsin_status (*open)(void* self, const tocsin_secret_store_config* config, tocsin_token* store,
                        const tocsin_sink* error);

  /* The end of it: requests that are under way are answered TOCSIN_UNAVAILABLE before this returns.
   * [control] active, draining */
  void (*close)(void* self, tocsin_token store);

  /* Look up what follows the colon of a reference. Returns at once; answered exactly once through
   * tocsin.host.secret_answer/1, from any thread, possibly before this returns. Several come at once, for one store as
   * well. The host waits 10 s; a later answer is passed over. reference is borrowed for the call. [any] active */
  void (*fetch)(void* self, tocsin_token store, tocsin_token request, tocsin_string reference);
} tocsin_secret_store;

typedef struct tocsin_host_secret_answer {
  uint32_t struct_size;
  uint32_t reserved;

  /* The answer to the fetch() that bore this request, borrowed for the call and copied. A request that never was, or
   * was answered, is reported in the log and passed over. [any] active, draining */
  void (*answer)(void* context, tocsin_token request, const tocsin_secret_answer* answer);
} tocsin_host_secret_answer;

#ifdef __cplusplus
}
#endif

#endif
