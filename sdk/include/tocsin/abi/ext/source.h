/* SPDX-License-Identifier: Apache-2.0 */
/* A source publishes events. The plugin offers tocsin.source/1, the host tocsin.host.publish/1.
 *
 * Credits: a source may have only so many events under way as the host gave it credits for; an event that was accepted,
 * found to be a duplicate or refused gives its credit back. A flood is thereby held back at its origin, not dropped.
 *
 * Memory: what a source must remember over a restart (the last step it announced, the last record it read) it hands in
 * together with the events. Both are one commit, so that neither is ever there without the other. */
#ifndef TOCSIN_ABI_EXT_SOURCE_H
#define TOCSIN_ABI_EXT_SOURCE_H

#include <tocsin/abi/event.h>
#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_SOURCE "tocsin.source/1-draft"
#define TOCSIN_HOST_PUBLISH "tocsin.host.publish/1-draft"

typedef struct tocsin_source_config {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_string name;         /* NAME of [sources.NAME] */
  tocsin_string organization; /* for input that names none; may be empty */
  tocsin_string settings;     /* JSON, in the form of tocsin_endpoint.settings */
  uint64_t credits;           /* how many events may be under way; at least 1 */
} tocsin_source_config;

/* What a publish() came to. status: TOCSIN_OK: all of it is on disk. Else nothing is, and reason says why:
 * TOCSIN_UNAVAILABLE: the host has too much to do, its disk is full or it is stopping: publish the same again later;
 * TOCSIN_INVALID: an event is not valid; TOCSIN_FAILED: the store failed. */
typedef struct tocsin_publish_result {
  uint32_t struct_size;
  tocsin_status status;
  uint64_t accepted;   /* events that were new */
  uint64_t duplicates; /* events whose identity was known already */
  tocsin_string reason;
} tocsin_publish_result;

typedef struct tocsin_source {
  uint32_t struct_size;
  uint32_t reserved;

  /* Begin a configured source and answer the token that names it: not {0, 0} and not that of another open source, else
   * the host does not take the source. On failure the reason is written to error, and the source does not run
   * (SETTINGS_INVALID). The config is borrowed for the call. publish() may be called as soon as this has returned.
   * [control] active */
  tocsin_status (*open)(void* self, const tocsin_source_config* config, tocsin_token* source, const tocsin_sink* error);

  /* The end of it: nothing is published for it any more. What was published before is still answered. A host that did
   * not take the source (see open()) calls this for the token that it was given, unless an open source bears that.
   * [control] active, draining */
  void (*close)(void* self, tocsin_token source);

  /* The answer to the publish() that bore this ticket, exactly once; its credits are back. It may come before publish()
   * has returned and after close(). Before it calls stop(), a host waits for a bounded time until all is answered; what
   * is not by then is never answered, and may be on disk or not. result is borrowed for the call. [worker] active,
   * draining */
  void (*published)(void* self, tocsin_token source, uint64_t ticket, const tocsin_publish_result* result);
} tocsin_source;

typedef struct tocsin_host_publish {
  uint32_t struct_size;
  uint32_t reserved;

  /* Hand in events and memory as one commit. All is copied before this returns. TOCSIN_OK: published() will be called
   * with this ticket. Else nothing was taken, and error says why:
   *   TOCSIN_UNAVAILABLE  more events than credits are left, try again after the next published(); or the plugin is not
   *                       active; or the token is not known while open() has not returned, try again then
   *   TOCSIN_INVALID      an event is not valid; or no open source has this token; or there are more events than all
   *                       credits of the source, so that trying again is of no use: hand in fewer at once
   * A publish() of memory alone takes one credit. memory entries with an empty value are forgotten. ticket is the
   * caller's own number.
   *
   * source {0, 0} is the plugin itself, which need not be a source: it has 16 credits of its own, and published() comes
   * with the token {0, 0} if the plugin is a source, else a failure becomes a line in the log. [any] active */
  tocsin_status (*publish)(void* context, tocsin_token source, uint64_t ticket, const tocsin_event* const* events,
                           uint64_t event_count, const tocsin_field* memory, uint64_t memory_count,
                           const tocsin_sink* error);

  /* What the source remembered under name, written to value (nothing if it never did). Waits for the store: call it
   * from open() or published(), not from a busy path, and only within a call of the host's to this plugin.
   * TOCSIN_INVALID: no open source has this token; while open() has not returned, one that is not known names the
   * source that opens. TOCSIN_FAILED: the store did not answer it. TOCSIN_UNAVAILABLE: the plugin is not active. What
   * value's own write() answers is answered, too. [control] [worker] active */
  tocsin_status (*recall)(void* context, tocsin_token source, tocsin_string name, const tocsin_sink* value);
} tocsin_host_publish;

#ifdef __cplusplus
}
#endif

#endif
