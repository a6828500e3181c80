/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of settings travel as handles; the plugin asks for the value when it needs it. */
#ifndef TOCSIN_ABI_EXT_SECRETS_H
#define TOCSIN_ABI_EXT_SECRETS_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_HOST_SECRETS "tocsin.host.secrets/1-draft"

typedef struct tocsin_host_secrets {
  uint32_t struct_size;
  uint32_t reserved;

  /* Write the secret's present value to value. From then on the host blots it out of every log line, reply and
   * transcript. TOCSIN_FAILED: there is no such handle, or the secret cannot be read at present; the reason is
   * in error. TOCSIN_UNAVAILABLE: the plugin is not active. What value's own write() answers is answered, too. Both
   * sinks are borrowed for the call. Do not keep the value longer than needed. [any] active */
  tocsin_status (*reveal)(void* context, uint64_t handle, const tocsin_sink* value, const tocsin_sink* error);
} tocsin_host_secrets;

#ifdef __cplusplus
}
#endif

#endif
