/* SPDX-License-Identifier: Apache-2.0 */
/* tocsin.doctor/1 in plain C: looks at an endpoint stage by stage, in the order of the manifest's "stages". */
#ifndef TOCSIN_C_DOCTOR_H
#define TOCSIN_C_DOCTOR_H

#include <tocsin/abi/ext/doctor.h>
#include <tocsin/c/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_C_DOCTOR(DIAGNOSE) TOCSIN_C_EXTENSION(TOCSIN_EXT_DOCTOR, tocsin_doctor, DIAGNOSE)

/* What one stage came to; the first that is not ok is the last. code: "OK", or one of the manifest's. detail: one line.
 */
static inline void tocsin_report_stage(void* self, tocsin_token run, const char* stage, int ok, const char* code,
                                       const char* detail) {
  const tocsin_host_doctor* host = (const tocsin_host_doctor*)tocsin_find(self, TOCSIN_HOST_DOCTOR);
  tocsin_stage made;
  if (!TOCSIN_C_OFFERS(tocsin_host_doctor, host, stage)) return;
  memset(&made, 0, sizeof(made));
  made.struct_size = sizeof(made);
  made.ok = ok ? 1 : 0;
  made.stage = tocsin_text(stage);
  made.code = tocsin_text(code);
  made.detail = tocsin_text(detail);
  host->stage(tocsin_context(self), run, &made);
}

/* The end of a diagnosis: exactly once, last. */
static inline void tocsin_end_diagnosis(void* self, tocsin_token run) {
  const tocsin_host_doctor* host = (const tocsin_host_doctor*)tocsin_find(self, TOCSIN_HOST_DOCTOR);
  if (TOCSIN_C_OFFERS(tocsin_host_doctor, host, done)) host->done(tocsin_context(self), run);
}

#ifdef __cplusplus
}
#endif

#endif
