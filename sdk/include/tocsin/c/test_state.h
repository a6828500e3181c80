/* SPDX-License-Identifier: Apache-2.0 */
/* What test_host.h keeps of what a plugin hands in, and waiting for more of it. Include test_host.h. */
#ifndef TOCSIN_C_TEST_STATE_H
#define TOCSIN_C_TEST_STATE_H

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/http_route.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/metrics.h>
#include <tocsin/abi/ext/preset.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/ext/subscriber.h>
#include <tocsin/c/plugin.h>

#include <stdio.h>
#include <string.h>
#if defined(_WIN32)
typedef CONDITION_VARIABLE tocsin_test_signal;
#else
#include <dlfcn.h>
#include <time.h>
typedef pthread_cond_t tocsin_test_signal;
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_TEST_MAX 16

/* Texts are cut to fit. */
typedef struct tocsin_test_outcome {
  tocsin_token delivery;
  tocsin_outcome_class outcome_class;
  char code[64];
  char detail[512];
} tocsin_test_outcome;

typedef struct tocsin_test_event {
  tocsin_token source;
  uint64_t ticket;
  char id[256];
  char origin[256]; /* the attribute "source" */
  char type[256];
  char subject[256];
  char severity[16];
  char organization[128];
  char data[1024];
} tocsin_test_event;

typedef struct tocsin_test_finding {
  uint32_t fatal;
  char key[128];
  char code[64];
  char text[512];
} tocsin_test_finding;

typedef struct tocsin_test_memory {
  char name[128];
  char value[512];
} tocsin_test_memory;

typedef struct tocsin_test_timer {
  uint64_t id;
  uint64_t delay_ms;
  int64_t due_ms;
} tocsin_test_timer;

typedef struct tocsin_test_answer {
  tocsin_token request;
  tocsin_status status;
  char value[512];
  char reason[512];
} tocsin_test_answer;

/* An answer to a request of tocsin_test_request(). */
typedef struct tocsin_test_http_answer {
  tocsin_token call;
  uint32_t status;
  char content_type[128];
  char body[1024];
} tocsin_test_http_answer;

typedef struct tocsin_test_series {
  tocsin_metric_kind kind;
  char name[128];
  char labels[256]; /* "result=failed", or empty */
  int64_t value;    /* the sum of what was recorded; of a gauge the last */
  uint64_t records;
} tocsin_test_series;

typedef struct tocsin_test_stage {
  char stage[64];
  int ok;
  char code[64];
  char detail[512];
} tocsin_test_stage;

/* Zero it before use. The counts go on where an array is full. */
typedef struct tocsin_test_host {
  tocsin_test_outcome outcomes[TOCSIN_TEST_MAX];
  tocsin_test_event events[TOCSIN_TEST_MAX];
  tocsin_test_finding findings[TOCSIN_TEST_MAX];
  tocsin_test_memory memory[TOCSIN_TEST_MAX];
  tocsin_test_timer timers[TOCSIN_TEST_MAX];
  tocsin_test_answer answers[TOCSIN_TEST_MAX];
  tocsin_test_http_answer http_answers[TOCSIN_TEST_MAX];
  tocsin_test_series series[TOCSIN_TEST_MAX];
  tocsin_test_stage stages[TOCSIN_TEST_MAX];
  uint64_t outcome_count;
  uint64_t event_count;
  uint64_t finding_count;
  uint64_t memory_count;
  uint64_t timer_count;
  uint64_t answer_count;
  uint64_t http_answer_count;
  uint64_t series_count;
  uint64_t stage_count;
  uint64_t diagnosis_count; /* that have ended */
  char error[512];          /* what the plugin last wrote to an error sink, or said of its health */
  char log[512];            /* the last line that it logged */
  char secret[512];         /* the value of every secret */
  int64_t now_ms;
  tocsin_status publishing; /* what publish() answers; TOCSIN_OK: it takes the event */
  int failed;               /* expectations that did not hold */

  tocsin_host raw;
  const tocsin_plugin* plugin;
  uint64_t last_delivery;
  tocsin_c_mutex mutex; /* of all above that the plugin hands in */
  tocsin_test_signal changed;
} tocsin_test_host;

/* An expectation; the test goes on where it does not hold. */
#define TOCSIN_TEST(HOST, CONDITION)                                                                             \
  do {                                                                                                           \
    if (!(CONDITION)) {                                                                                          \
      fprintf(stderr, "%s:%d: does not hold: %s (error: \"%s\", log: \"%s\")\n", __FILE__, __LINE__, #CONDITION, \
              (HOST)->error, (HOST)->log);                                                                       \
      ++(HOST)->failed;                                                                                          \
    }                                                                                                            \
  } while (0)

/* Wait until CONDITION holds, for LIMIT_MS at most; it is looked at again whenever the plugin hands something in. */
#define TOCSIN_TEST_WAIT(HOST, CONDITION, LIMIT_MS)                                                               \
  do {                                                                                                            \
    int64_t left_ms = (LIMIT_MS);                                                                                 \
    int holds;                                                                                                    \
    tocsin_test_lock(HOST);                                                                                       \
    while (!(holds = (CONDITION) ? 1 : 0) && left_ms > 0) left_ms -= tocsin_test_wait(HOST, left_ms);             \
    tocsin_test_unlock(HOST);                                                                                     \
    if (!holds) {                                                                                                 \
      fprintf(stderr, "%s:%d: does not hold after %ld ms: %s (error: \"%s\", log: \"%s\")\n", __FILE__, __LINE__, \
              (long)(LIMIT_MS), #CONDITION, (HOST)->error, (HOST)->log);                                          \
      ++(HOST)->failed;                                                                                           \
    }                                                                                                             \
  } while (0)

static inline void tocsin_test_lock(tocsin_test_host* host) { TOCSIN_C_MUTEX_LOCK(&host->mutex); }
static inline void tocsin_test_unlock(tocsin_test_host* host) { TOCSIN_C_MUTEX_UNLOCK(&host->mutex); }

/* The end of a call of the plugin's that has changed something. */
static inline void tocsin_test_changed(tocsin_test_host* host) {
#if defined(_WIN32)
  WakeAllConditionVariable(&host->changed);
#else
  pthread_cond_broadcast(&host->changed);
#endif
  tocsin_test_unlock(host);
}

/* Waits for a change under the lock, briefly: a condition may depend on more than what is handed in. How many of the
 * milliseconds are used up. */
static inline int64_t tocsin_test_wait(tocsin_test_host* host, int64_t limit_ms) {
  const int64_t most_ms = limit_ms < 20 ? limit_ms : 20;
#if defined(_WIN32)
  const uint64_t begin = GetTickCount64();
  if (!SleepConditionVariableSRW(&host->changed, &host->mutex, (DWORD)most_ms, 0)) return most_ms;
  return (int64_t)(GetTickCount64() - begin);
#else
  struct timespec begin;
  struct timespec end;
  int64_t past_ms;
  timespec_get(&begin, TIME_UTC);
  end = begin;
  end.tv_nsec += (long)most_ms * 1000000L;
  if (end.tv_nsec >= 1000000000L) {
    end.tv_nsec -= 1000000000L;
    ++end.tv_sec;
  }
  if (pthread_cond_timedwait(&host->changed, &host->mutex, &end) != 0) return most_ms;
  timespec_get(&end, TIME_UTC);
  past_ms = (int64_t)(end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
  return past_ms < 0 || past_ms > most_ms ? most_ms : past_ms; /* the clock was turned */
#endif
}

static inline void tocsin_test_copy(char* to, size_t size, const void* from, uint64_t length) {
  const size_t kept = length < size ? (size_t)length : size - 1;
  if (kept > 0) memcpy(to, from, kept);
  to[kept] = '\0';
}

static inline tocsin_status tocsin_test_append_error(void* context, tocsin_bytes data) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  const size_t used = strlen(host->error);
  tocsin_test_copy(host->error + used, sizeof(host->error) - used, data.data, data.size);
  return TOCSIN_OK;
}

static inline tocsin_sink tocsin_test_error(tocsin_test_host* host) {
  tocsin_sink sink;
  memset(&sink, 0, sizeof(sink));
  sink.struct_size = sizeof(sink);
  sink.context = host;
  sink.write = tocsin_test_append_error;
  host->error[0] = '\0';
  return sink;
}

#ifdef __cplusplus
}
#endif

#endif
