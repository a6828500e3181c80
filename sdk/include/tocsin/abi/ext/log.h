/* SPDX-License-Identifier: Apache-2.0 */
/* The host's log. */
#ifndef TOCSIN_ABI_EXT_LOG_H
#define TOCSIN_ABI_EXT_LOG_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_HOST_LOG "tocsin.host.log/1-draft"

typedef uint32_t tocsin_log_level; /* a value that the host does not know is treated as TOCSIN_LOG_INFO */
#define TOCSIN_LOG_DEBUG 0u
#define TOCSIN_LOG_INFO 1u
#define TOCSIN_LOG_WARN 2u
#define TOCSIN_LOG_ERROR 3u
#define TOCSIN_LOG_HOST_MISBEHAVING 4u /* the host broke this interface's law */

typedef struct tocsin_host_log {
  uint32_t struct_size;
  uint32_t reserved;

  /* One line, borrowed for the call. Secrets that were revealed to the plugin are blotted out. Of the text and of each
   * value 4 KiB are written, of the fields the first 64; a line break becomes a space. [any] in any state */
  void (*write)(void* context, tocsin_log_level level, tocsin_string text, const tocsin_field* fields,
                uint64_t field_count);
} tocsin_host_log;

#ifdef __cplusplus
}
#endif

#endif
