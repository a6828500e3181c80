/* SPDX-License-Identifier: Apache-2.0 */
/* An event: a fact, as a CloudEvents 1.0 envelope (https://github.com/cloudevents/spec, core specification 1.0.2). */
#ifndef TOCSIN_ABI_EVENT_H
#define TOCSIN_ABI_EVENT_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Empty strings and TOCSIN_NO_TIME mean that the attribute is absent. An attribute is at most 64 KiB of UTF-8 without
 * control characters; an event that breaks this or what is said below is refused whole (EVENT_INVALID). */
typedef struct tocsin_event {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_string id;     /* required; (organization, source, id) is the identity that duplicates are found by */
  tocsin_string source; /* required; a URI reference */
  tocsin_string type;   /* required; for example "tocsin.license.expiring" */
  tocsin_string subject;
  int64_t time_ms;
  tocsin_string data_content_type; /* empty: application/json */
  tocsin_bytes data;               /* JSON, or UTF-8 text of data_content_type; kept as it is */

  /* Extension attributes that Tocsin knows. */
  tocsin_string organization; /* empty: the host's own event */
  tocsin_string severity;     /* info, success, warn, error or fatal, nothing else; empty: info */
  tocsin_string recipient;    /* for routes that say "{{recipient}}" */
  tocsin_string language;     /* BCP 47 */
  tocsin_string dedupkey;
  tocsin_string component;
  tocsin_string folder;
  int64_t expires_ms; /* after it, no attempt is made any more */
  tocsin_string traceparent;

  /* Any further extension attributes: names of lower-case letters and digits, values as text. */
  const tocsin_field* attributes;
  uint64_t attribute_count;
} tocsin_event;

#ifdef __cplusplus
}
#endif

#endif
