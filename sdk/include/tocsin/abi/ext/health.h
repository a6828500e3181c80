/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's word on itself: what it knows of its own state and the host cannot see. */
#ifndef TOCSIN_ABI_EXT_HEALTH_H
#define TOCSIN_ABI_EXT_HEALTH_H

#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_HEALTH "tocsin.health/1-draft"

typedef uint32_t tocsin_health_state; /* a value that the host does not know is treated as TOCSIN_HEALTH_FAILING */
#define TOCSIN_HEALTH_GOOD 0u
#define TOCSIN_HEALTH_DEGRADED 1u /* it works, but somebody should look */
#define TOCSIN_HEALTH_FAILING 2u  /* it cannot do its work */

typedef struct tocsin_health {
  uint32_t struct_size;
  uint32_t reserved;

  /* Answer from what is known; must not block or touch the network. One sentence for an operator is written to text
   * where the state is not good; 4 KiB of it are kept. One such call at a time. [worker] active */
  tocsin_health_state (*check)(void* self, const tocsin_sink* text);
} tocsin_health;

#ifdef __cplusplus
}
#endif

#endif
