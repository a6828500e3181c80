/* SPDX-License-Identifier: Apache-2.0 */
/* Staged diagnosis of an endpoint. The plugin offers tocsin.doctor/1, the host tocsin.host.doctor/1. Stages and codes
 * are declared in the manifest, so that the host needs to know none of them. */
#ifndef TOCSIN_ABI_EXT_DOCTOR_H
#define TOCSIN_ABI_EXT_DOCTOR_H

#include <tocsin/abi/message.h>
#include <tocsin/abi/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_EXT_DOCTOR "tocsin.doctor/1-draft"
#define TOCSIN_HOST_DOCTOR "tocsin.host.doctor/1-draft"

typedef struct tocsin_diagnosis {
  uint32_t struct_size;
  uint32_t reserved;
  tocsin_token run;              /* names this diagnosis in the reports */
  tocsin_token endpoint;         /* as the channel's open() returned it */
  tocsin_string recipient;       /* whom to ask the server about; empty: stop before that stage */
  const tocsin_message* message; /* not null: send it to the recipient, too */
} tocsin_diagnosis;

typedef struct tocsin_stage {
  uint32_t struct_size;
  uint32_t ok; /* 1 or 0 */
  tocsin_string stage;
  tocsin_string code;   /* "OK" for a good stage */
  tocsin_string detail; /* one line: what was found, or what failed and why; 4 KiB are kept */
  uint64_t duration_ms;
  tocsin_string facts; /* a JSON object of what was learned (protocol, certificate, capabilities), or empty; one above
                        * 64 KiB is left out */
} tocsin_stage;

typedef struct tocsin_doctor {
  uint32_t struct_size;
  uint32_t reserved;

  /* Begin; returns at once. Stages are reported in order, also before this returns; the first that fails is the last,
   * and done() follows it. On failure nothing is reported for the run; the reason is in error, and the host shows it as
   * a failure of the endpoint's settings (SETTINGS_INVALID): what is wrong with the connection is a stage that fails,
   * not a failure of this call. The host waits for a bounded time and closes the endpoint after it. The request is
   * borrowed for the call. [control] active */
  tocsin_status (*diagnose)(void* self, const tocsin_diagnosis* request, const tocsin_sink* error);
} tocsin_doctor;

typedef struct tocsin_host_doctor {
  uint32_t struct_size;
  uint32_t reserved;

  /* One stage of a run, borrowed for the call and copied. What comes after a stage that failed, after done() or after
   * the host has given the run up is passed over; a run that never was is reported in the log. [any] active */
  void (*stage)(void* context, tocsin_token run, const tocsin_stage* stage);

  /* The run is over: exactly once, last. Any further one is passed over; a run that never was is reported in the log.
   * [any] active */
  void (*done)(void* context, tocsin_token run);
} tocsin_host_doctor;

#ifdef __cplusplus
}
#endif

#endif
