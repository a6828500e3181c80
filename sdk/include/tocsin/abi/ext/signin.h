/* SPDX-License-Identifier: Apache-2.0 */
/* Sign-in as a service (tocsin.signin/1), offered by one plugin to others in the same process: SASL mechanisms (RFC
 * 4422) and the sources of the tokens that some of them need. The caller moves bytes; what they mean is the service's.
 */
#ifndef TOCSIN_ABI_EXT_SIGNIN_H
#define TOCSIN_ABI_EXT_SIGNIN_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_SIGNIN "tocsin.signin/1-draft"

/* What the caller knows of the connection that is to be signed in. */
typedef struct tocsin_signin_request {
  uint32_t struct_size;
  uint32_t encrypted;                /* 1: TLS is up; 0: nothing reusable may be sent */
  tocsin_string service;             /* registered SASL service name: "smtp" */
  tocsin_string server_name;         /* as the settings name the server */
  tocsin_string mechanism;           /* IANA name, in capitals */
  tocsin_bytes tls_exporter;         /* RFC 9266 channel binding, or empty */
  tocsin_bytes tls_server_end_point; /* RFC 5929 channel binding, or empty */
} tocsin_signin_request;

/* A handler passes over an event of a kind that it does not know: what it waits for still follows. */
typedef uint32_t tocsin_signin_event_kind;
#define TOCSIN_SIGNIN_RESPONSE 1u /* send data to the server (not encoded); what it answers goes to step() */
#define TOCSIN_SIGNIN_DONE 2u     /* the mechanism is content, the server verified where it can be; the last event */
#define TOCSIN_SIGNIN_FAILED 3u   /* code and detail say why; cancel the exchange with the server; the last event */

typedef struct tocsin_signin_event {
  uint32_t struct_size;
  tocsin_signin_event_kind kind;
  tocsin_token exchange;
  uint32_t has_data; /* RESPONSE: 0 says that there is no initial response at all, which is not an empty one */
  uint32_t reserved;
  tocsin_bytes data;    /* RESPONSE: borrowed for the call; a secret: never log it */
  tocsin_string code;   /* FAILED: AUTH_MECHANISM_UNSUPPORTED, AUTH_SERVER_UNVERIFIED, AUTH_TOKEN_REFRESH_FAILED ... */
  tocsin_string detail; /* FAILED: one line */
} tocsin_signin_event;

/* Events go to event(context, ...): from within begin(), step() or finish() on the thread of that call, or later where
 * a token had to be fetched first. [caller] [service] active, draining */
typedef struct tocsin_signin_handler {
  uint32_t struct_size;
  uint32_t reserved;
  void (*event)(void* context, const tocsin_signin_event* event);
} tocsin_signin_handler;

typedef struct tocsin_signin {
  uint32_t struct_size;
  uint32_t reserved;

  /* Prepare an account from settings in the form of tocsin_endpoint.settings; of these the service reads domain,
   * username, password, use_default_credentials and oauth. Tokens are kept within one account only. settings is
   * borrowed for the call. TOCSIN_INVALID: they cannot work, the reason is in error. [control] active */
  tocsin_status (*open_account)(void* self, tocsin_string settings, tocsin_token* account, const tocsin_sink* error);

  /* Exchanges of the account's end as FAILED first. An unknown account is passed over. [any] active */
  void (*close_account)(void* self, tocsin_token account);

  /* Of the mechanisms offered (IANA names, separated by one space) those that this account can use, strongest first,
   * written to usable in the same form; nothing is written where there is none, which is no failure. offered and usable
   * are borrowed for the call. TOCSIN_INVALID: the account is not known. What usable's own write() answers is answered,
   * too. [any] active */
  tocsin_status (*choose)(void* self, tocsin_token account, tocsin_string offered, uint32_t encrypted,
                          const tocsin_sink* usable);

  /* Begin an exchange; RESPONSE or FAILED follows. handler and context stay valid until the last event. The request is
   * borrowed for the call and copied. TOCSIN_INVALID: the account is not known, or the handler has no function.
   * TOCSIN_UNAVAILABLE: the service is not started or is stopping. After these and any other failure no event follows;
   * a mechanism that the account cannot use is no failure of the call: FAILED says so. [any] active */
  tocsin_status (*begin)(void* self, tocsin_token account, const tocsin_signin_request* request,
                         const tocsin_signin_handler* handler, void* context, tocsin_token* exchange);

  /* The server's challenge, decoded and borrowed for the call; RESPONSE, DONE or FAILED follows. An exchange that is
   * not known, or over, is passed over. [any] active */
  void (*step)(void* self, tocsin_token exchange, tocsin_bytes challenge);

  /* The server's verdict, which ends the exchange: accepted 1 or 0, and its words. DONE or FAILED follows where it has
   * not come yet. A token that the server refused is fetched anew for the next exchange, once. An exchange that is not
   * known, or over, is passed over. [any] active */
  void (*finish)(void* self, tocsin_token exchange, uint32_t accepted, tocsin_string server_reply);
} tocsin_signin;

#ifdef __cplusplus
}
#endif

#endif
