/* SPDX-License-Identifier: Apache-2.0 */
/* Values that every other header of the binary interface is made of.
 *
 * The law of this interface, in short (docs/abi-policy.md has it whole):
 *  - fixed-width integers and pointers only; no bool, enum, long, size_t or time_t inside a struct;
 *  - every struct begins with its own size in bytes and only grows at its end; but tocsin_string, tocsin_bytes,
 *    tocsin_token and tocsin_field have none, since they stay as they are for ever;
 *  - text is UTF-8 with a length and no terminator, borrowed for the duration of the call that carries it;
 *  - results that have no fixed size are written to a sink that the caller supplies; nobody frees what another
 *    allocated;
 *  - a flag is 0 or 1; whoever reads one takes anything but 0 for 1;
 *  - no exception, longjmp or C++ type crosses.
 *
 * Each function is tagged with the thread that calls it and the plugin's states in which it may be called:
 *   [control]  about a plugin's life and settings: one such call at a time for a plugin, on any thread of the host's
 *   [worker]   one of the host's pool threads; calls about one endpoint, source, subscription or timer come one at a
 *              time, those about different ones also at once
 *   [any]      any thread, also several at once, about the same thing as well
 *   [caller]   the thread of the call that carries the table, while that call lasts
 *   [service]  a thread of the service that offers the extension, whose header says more of it; must not block
 *
 * Calls of one tag may come while one of another is under way; but while start() and stop() run the host makes no
 * other call into the plugin. Whatever the tag, a call returns soon: a host goes on without a plugin that holds one for
 * longer than its limit ([plugins] call_limit, 5 s).
 *
 * States: created -> active -> draining -> stopped (plugin.h). */
#ifndef TOCSIN_ABI_TYPES_H
#define TOCSIN_ABI_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a call came to. Any value that is not named here means TOCSIN_FAILED. On any failure what the call would have
 * filled in is left as it was or means nothing, unless the function says otherwise. */
typedef int32_t tocsin_status;
#define TOCSIN_OK 0
#define TOCSIN_FAILED 1      /* it did not work; the error sink, where there is one, says why */
#define TOCSIN_INVALID 2     /* the caller's arguments are wrong */
#define TOCSIN_UNAVAILABLE 3 /* not now (no credit, not started, shutting down); the same call may work later */
#define TOCSIN_UNSUPPORTED 4 /* this side does not know what was asked for */
#define TOCSIN_NO_MEMORY 5   /* any call may come to it */

/* UTF-8 text. data may be null only where size is 0. Not terminated. */
typedef struct tocsin_string {
  const char* data;
  uint64_t size; /* bytes */
} tocsin_string;

/* Any bytes. data may be null only where size is 0. */
typedef struct tocsin_bytes {
  const uint8_t* data;
  uint64_t size; /* bytes */
} tocsin_bytes;

/* Names something that one side keeps for the other: an endpoint, a delivery, a stream. Never a pointer, so that it can
 * be sent to another process. A token whose generation is not the current one names nothing, and using it is harmless.
 * {0, 0} is never a valid token. */
typedef struct tocsin_token {
  uint64_t index;
  uint64_t generation;
} tocsin_token;

/* One name with its value: a log field, an extra event attribute, a state entry. */
typedef struct tocsin_field {
  tocsin_string name;
  tocsin_string value;
} tocsin_field;

/* Where the callee writes a result or the reason of a failure. May be called more than once; the parts are joined.
 * A status other than TOCSIN_OK says that the caller can take no more: give up. TOCSIN_NO_MEMORY: it is full, and took
 * what it had room for; TOCSIN_INVALID: there is a size without data. Valid for the duration of the call. A host takes
 * 16 KiB of a reason and shows 4 KiB of it. [caller] in any state */
typedef struct tocsin_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void* context;
  tocsin_status (*write)(void* context, tocsin_bytes data);
} tocsin_sink;

/* True if the other side's struct is new enough to have FIELD. */
#define TOCSIN_HAS_FIELD(TYPE, POINTER, FIELD) \
  ((POINTER)->struct_size >= offsetof(TYPE, FIELD) + sizeof(((TYPE*)0)->FIELD))

/* An absent point in time. Times are milliseconds since 1970-01-01T00:00:00Z (Unix time, no leap seconds). */
#define TOCSIN_NO_TIME INT64_MIN

#ifdef __cplusplus
}
#endif

#endif
