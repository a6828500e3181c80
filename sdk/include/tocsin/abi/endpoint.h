/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint: a channel as one level (the host or an organization) configures it. */
#ifndef TOCSIN_ABI_ENDPOINT_H
#define TOCSIN_ABI_ENDPOINT_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tocsin_endpoint {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_string channel;      /* its name in the settings: "email" */
  tocsin_string organization; /* the level that owns it; empty: the host */

  /* The effective settings as one JSON object: every key of the manifest's schema, defaults filled in, checked. A
   * duration is a number of milliseconds, a size a number of bytes. A secret is the object {"secret": HANDLE}, HANDLE
   * being an unsigned integer for ext/secrets.h, or null where it is not set. */
  tocsin_string settings;

  /* The preset's manifest data ("preset" object: replies, quotas, constraints), or empty. */
  tocsin_string preset;

  /* Endpoints that are open at the same time and bear the same pool have the same server group (server, account,
   * security): they may share connections. They differ in other settings only, such as the sender's name that an
   * organization gave itself. Never share anything between different pools. */
  tocsin_string pool;
} tocsin_endpoint;

/* What a channel answers when it opens an endpoint. The host sets struct_size; the channel writes no further than that.
 */
typedef struct tocsin_endpoint_info {
  uint32_t struct_size;
  uint32_t slots;     /* how many deliveries it takes at once; at least 1 (0 counts as 1) */
  tocsin_token token; /* names the endpoint from now on: not {0, 0} and not that of another open endpoint */
} tocsin_endpoint_info;

#ifdef __cplusplus
}
#endif

#endif
