/* SPDX-License-Identifier: Apache-2.0 */
/* Secure connections as a service (tocsin.stream/1), offered by one plugin to others in the same process: names are
 * looked up, connections made, TLS begun at once or later (STARTTLS), certificates and their revocation checked by the
 * policy of the settings, everything under deadlines.
 *
 * Threads: the service owns its loops. A stream lives on one of them, its completion thread; all its events come there,
 * one at a time, and its functions (but open_target, close_target, connect and wake) are called there only: this is
 * what [service] means here, and it holds of callbacks and of calls alike. No event comes from within a call of the
 * stream's own functions. A stream that is not known, or over, is passed over by every function that answers nothing.
 * A protocol that lives on its stream's thread needs no lock and no hand-off.
 *
 * Writes made in one event leave together in one flight when the event returns. */
#ifndef TOCSIN_ABI_EXT_STREAM_H
#define TOCSIN_ABI_EXT_STREAM_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_STREAM "tocsin.stream/1-draft"

/* A handler passes over an event of a kind that it does not know; FAILED and ENDED stay the only last ones. */
typedef uint32_t tocsin_stream_event_kind;
#define TOCSIN_STREAM_STAGE 1u     /* a stage passed: dns, tcp, tls, certificate, revocation, in this order */
#define TOCSIN_STREAM_CONNECTED 2u /* ready; with implicit TLS, after it */
#define TOCSIN_STREAM_SECURED 3u   /* TLS is up after secure() */
#define TOCSIN_STREAM_DATA 4u      /* bytes arrived */
#define TOCSIN_STREAM_WRITTEN 5u   /* everything written so far is with the kernel */
#define TOCSIN_STREAM_DEADLINE 6u  /* the deadline that was set has passed; the stream goes on */
#define TOCSIN_STREAM_WOKEN 7u     /* answer to one or more wake() */
#define TOCSIN_STREAM_FAILED 8u    /* the stream is over: code and detail say why. The last event. */
#define TOCSIN_STREAM_ENDED 9u     /* the stream is over: the peer closed it, or close() was called. The last event. */

typedef struct tocsin_stream_event {
  uint32_t struct_size;
  tocsin_stream_event_kind kind;
  tocsin_token stream;
  tocsin_string stage;  /* STAGE, FAILED: which */
  tocsin_string code;   /* FAILED: DNS_NOT_FOUND, TCP_REFUSED, CERT_EXPIRED, SERVER_CLOSED ... ; STAGE: "OK" */
  tocsin_string detail; /* one line: address and port, certificate's facts, the system's words */
  uint64_t duration_ms; /* STAGE, FAILED: how long the stage took */
  tocsin_bytes data;    /* DATA: borrowed for the call */
} tocsin_stream_event;

/* Events go to event(context, ...). [service] active, draining */
typedef struct tocsin_stream_handler {
  uint32_t struct_size;
  uint32_t reserved;
  void (*event)(void* context, const tocsin_stream_event* event);
} tocsin_stream_handler;

typedef struct tocsin_stream {
  uint32_t struct_size;
  uint32_t reserved;

  /* Prepare a target from its settings, in the form of tocsin_endpoint.settings; of these the service reads host, port,
   * secure_connection (auto is resolved by port: 465 is implicit, all else starttls), tls and timeouts.connect. Files
   * are read and checked now. TLS sessions are resumed within one target only. settings is borrowed for the call.
   * TOCSIN_INVALID: they cannot work, the reason is in error. [control] active */
  tocsin_status (*open_target)(void* self, tocsin_string settings, tocsin_token* target, const tocsin_sink* error);

  /* Streams of the target go on to their end. An unknown target is passed over. [any] active */
  void (*close_target)(void* self, tocsin_token target);

  /* Begin a stream; its events begin on its completion thread, possibly before this returns. handler and context stay
   * valid until its last event. TOCSIN_INVALID: the target is not known, or the handler has no function.
   * TOCSIN_UNAVAILABLE: the service is not started or is stopping, or has as many streams as it may have. After these
   * and any other failure no event follows and there is no stream; that nobody answers at the other end is no failure
   * of the call: FAILED says so. [any] active */
  tocsin_status (*connect)(void* self, tocsin_token target, const tocsin_stream_handler* handler, void* context,
                           tocsin_token* stream);

  /* Begin TLS on a plain stream. Bytes of the peer's that are already here and were not delivered yet end the stream as
   * STARTTLS_INJECTION. SECURED or FAILED follows. [service] active, draining */
  void (*secure)(void* self, tocsin_token stream);

  /* Send bytes; they are taken over before this returns. [service] active, draining */
  void (*write)(void* self, tocsin_token stream, tocsin_bytes data);

  /* One deadline a stream, set anew by each call; 0: none; above a year counts as a year. DEADLINE follows when it
   * passes. [service] active, draining */
  void (*set_deadline)(void* self, tocsin_token stream, uint64_t delay_ms);

  /* What was written leaves first (TLS: with close_notify), then the connection closes; ENDED follows. No DATA comes
   * any more. [service] active, draining */
  void (*close)(void* self, tocsin_token stream);

  /* Have WOKEN on the completion thread. [any] active */
  void (*wake)(void* self, tocsin_token stream);

  /* What is known of the connection, as JSON: {"address","port","local_address","tls":null | {"protocol","cipher",
   * "resumed","server_name","subject","issuer","names":[...],"not_before","not_after","sha256","revocation"}}.
   * TOCSIN_INVALID: the stream is not known, or over; TOCSIN_FAILED: json could not take all. [service] active,
   * draining */
  tocsin_status (*facts)(void* self, tocsin_token stream, const tocsin_sink* json);

  /* RFC 9266 tls-exporter or RFC 5929 tls-server-end-point channel binding; type is its IANA name. Written to value.
   * TOCSIN_UNSUPPORTED: the type is not known, or the stream has no TLS, is not known or is over; TOCSIN_FAILED: value
   * could not take all. [service] active, draining */
  tocsin_status (*channel_binding)(void* self, tocsin_token stream, tocsin_string type, const tocsin_sink* value);
} tocsin_stream;

#ifdef __cplusplus
}
#endif

#endif
