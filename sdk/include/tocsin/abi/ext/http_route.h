/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on the host's one listener: /v1/sources/NAME/... reaches the source of that name, so that no plugin opens a
 * port. The plugin offers tocsin.http_route/1, the host tocsin.host.http_answer/1.
 *
 * Which paths and methods there are, and who checks the caller, is manifest data ("http_routes"): the host answers 404,
 * 405, 401 and 403 without running the plugin. Limits on size, time and connections are the host's. */
#ifndef TOCSIN_ABI_EXT_HTTP_ROUTE_H
#define TOCSIN_ABI_EXT_HTTP_ROUTE_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_HTTP_ROUTE "tocsin.http_route/1-draft"
#define TOCSIN_HOST_HTTP_ANSWER "tocsin.host.http_answer/1-draft"

typedef struct tocsin_http_call {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_token call;           /* answer it exactly once */
  tocsin_token source;         /* as the source's open() returned it */
  tocsin_string method;        /* "POST" */
  tocsin_string path;          /* what follows the source's name, decoded: "/heartbeat" */
  tocsin_string query;         /* what follows the question mark, as it was sent; may be empty */
  tocsin_string organization;  /* the one that the caller's token is bound to; empty: none */
  const tocsin_field* headers; /* names in lower case; without authorization and cookie */
  uint64_t header_count;
  tocsin_bytes body; /* at most http.max_body bytes */
} tocsin_http_call;

typedef struct tocsin_http_answer {
  uint32_t struct_size;
  uint32_t status;             /* 200..599 */
  tocsin_string content_type;  /* empty: application/json */
  tocsin_bytes body;           /* at most 8 MiB */
  const tocsin_field* headers; /* further ones, such as retry-after; those of the connection are the host's */
  uint64_t header_count;       /* at most 64, each of at most 8 KiB */
} tocsin_http_answer;

typedef struct tocsin_http_route {
  uint32_t struct_size;
  uint32_t reserved;

  /* Take one call, borrowed for the duration of this; answer it exactly once through tocsin.host.http_answer/1, from
   * any thread, possibly before this returns. Several come at once, for one source as well, and beside published() and
   * fired(). A call that is not answered within 30 s is answered 504 by the host. [any] active */
  void (*call)(void* self, const tocsin_http_call* call);
} tocsin_http_route;

typedef struct tocsin_host_http_answer {
  uint32_t struct_size;
  uint32_t reserved;

  /* Answer a call; borrowed and copied. What cannot be sent (another status, a header that is the host's or has a
   * control character in it, more than fits) is answered 500 and reported in the log. A call that is not the plugin's
   * to answer, or was answered, is reported in the log and passed over. [any] active, draining */
  void (*answer)(void* context, tocsin_token call, const tocsin_http_answer* answer);
} tocsin_host_http_answer;

#ifdef __cplusplus
}
#endif

#endif
