/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests as a service (tocsin.http_client/1), offered by one plugin to others in the same process: for webhooks,
 * token and feed addresses, revocation lists. TLS, names and revocation are the secure connection's policy; redirects
 * are never followed, since where a secret goes is the settings' word, not the server's. */
#ifndef TOCSIN_ABI_EXT_HTTP_CLIENT_H
#define TOCSIN_ABI_EXT_HTTP_CLIENT_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_HTTP_CLIENT "tocsin.http_client/1-draft"

typedef struct tocsin_http_request {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_string method;        /* "GET", "POST" ... */
  tocsin_string url;           /* absolute, http or https (RFC 3986); a user name or password in it is TOCSIN_INVALID */
  const tocsin_field* headers; /* Host, Content-Length and Connection are the service's */
  uint64_t header_count;
  tocsin_bytes body;
  uint64_t limit_ms;           /* for all of it, name look-up included; 0: 30 s */
  uint64_t max_response_bytes; /* of the body; a longer one fails the request; 0: 1 MiB */
} tocsin_http_request;

typedef struct tocsin_http_response {
  uint32_t struct_size;
  uint32_t status;             /* 100..599; 0: there was no answer, code and detail say why */
  tocsin_string code;          /* "OK" for any answer; DNS_NOT_FOUND, TCP_REFUSED, CERT_EXPIRED, COMMAND_TIMEOUT ... */
  tocsin_string detail;        /* one line: address and port, the system's words */
  const tocsin_field* headers; /* names in lower case */
  uint64_t header_count;
  tocsin_bytes body;
} tocsin_http_response;

/* The response goes to response(context, ...), exactly once a request, possibly before request() returns; it is
 * borrowed for the call. [service] active, draining */
typedef struct tocsin_http_handler {
  uint32_t struct_size;
  uint32_t reserved;
  void (*response)(void* context, tocsin_token request, const tocsin_http_response* response);
} tocsin_http_handler;

typedef struct tocsin_http_client {
  uint32_t struct_size;
  uint32_t reserved;

  /* Prepare a client from settings: JSON with the keys tls (as in tocsin_endpoint.settings) and private_addresses
   * (false: an address that is private or loopback is refused, TCP_UNREACHABLE). Connections and TLS sessions are kept
   * within one client only. The settings are borrowed for the call. TOCSIN_INVALID: they are wrong, the reason is in
   * error. [control] active */
  tocsin_status (*open)(void* self, tocsin_string settings, tocsin_token* client, const tocsin_sink* error);

  /* Requests of the client's that are under way are answered first, as cancelled. An unknown one is passed over.
   * [any] active */
  void (*close)(void* self, tocsin_token client);

  /* Begin a request, borrowed for the call and copied. handler and context stay valid until the response.
   * TOCSIN_INVALID: the request is wrong or the client is not known. TOCSIN_UNAVAILABLE: the service is not started, is
   * stopping or has too much under way. After these and any other failure no response follows, and the reason is in
   * error. [any] active */
  tocsin_status (*request)(void* self, tocsin_token client, const tocsin_http_request* request,
                           const tocsin_http_handler* handler, void* context, tocsin_token* token,
                           const tocsin_sink* error);

  /* End it: its response comes soon, with status 0 unless it was there already. Unknown ones are passed over. [any]
   * active, draining */
  void (*cancel)(void* self, tocsin_token request);
} tocsin_http_client;

#ifdef __cplusplus
}
#endif

#endif
