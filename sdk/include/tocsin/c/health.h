/* SPDX-License-Identifier: Apache-2.0 */
/* tocsin.health/1 in plain C: a plugin's word on itself.
 *
 *   static tocsin_health_state check_health(void* self, const tocsin_sink* text) {
 *     if (is_fresh(self)) return TOCSIN_HEALTH_GOOD;
 *     return tocsin_unwell(text, TOCSIN_HEALTH_DEGRADED, "The list of holidays is older than a day.");
 *   } */
#ifndef TOCSIN_C_HEALTH_H
#define TOCSIN_C_HEALTH_H

#include <tocsin/abi/ext/health.h>
#include <tocsin/c/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_C_HEALTH(CHECK) TOCSIN_C_EXTENSION(TOCSIN_EXT_HEALTH, tocsin_health, CHECK)

/* TOCSIN_HEALTH_DEGRADED: it works, but somebody should look; TOCSIN_HEALTH_FAILING: it cannot do its work. The
 * sentence is for an operator. */
static inline tocsin_health_state tocsin_unwell(const tocsin_sink* text, tocsin_health_state state,
                                                const char* sentence) {
  tocsin_write(text, tocsin_text(sentence));
  return state;
}

#ifdef __cplusplus
}
#endif

#endif
