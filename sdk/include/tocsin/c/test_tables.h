/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of test_host.h: the extensions that it offers. Include test_host.h. */
#ifndef TOCSIN_C_TEST_TABLES_H
#define TOCSIN_C_TEST_TABLES_H

#include <tocsin/c/test_state.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline void tocsin_test_write_log(void* context, tocsin_log_level level, tocsin_string text,
                                         const tocsin_field* fields, uint64_t field_count) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  (void)level;
  (void)fields;
  (void)field_count;
  tocsin_test_lock(host);
  tocsin_test_copy(host->log, sizeof(host->log), text.data, text.size);
  tocsin_test_changed(host);
}

static inline int64_t tocsin_test_now(void* context) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  int64_t now_ms;
  tocsin_test_lock(host);
  now_ms = host->now_ms;
  tocsin_test_unlock(host);
  return now_ms;
}
static inline uint64_t tocsin_test_monotonic(void* context) { return (uint64_t)tocsin_test_now(context) * 1000000u; }

static inline void tocsin_test_forget_timer(tocsin_test_host* host, uint64_t id) {
  uint64_t index;
  for (index = 0; index < host->timer_count; ++index) {
    if (host->timers[index].id == id) host->timers[index--] = host->timers[--host->timer_count];
  }
}

static inline void tocsin_test_cancel_timer(void* context, uint64_t id) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  tocsin_test_lock(host);
  tocsin_test_forget_timer(host, id);
  tocsin_test_changed(host);
}

static inline void tocsin_test_start_timer(void* context, uint64_t id, uint64_t delay_ms) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  const uint64_t longest_ms = (uint64_t)1 << 50; /* as good as never */
  tocsin_test_lock(host);
  tocsin_test_forget_timer(host, id);
  if (host->timer_count < TOCSIN_TEST_MAX) {
    tocsin_test_timer* made = &host->timers[host->timer_count++];
    made->id = id;
    made->delay_ms = delay_ms;
    made->due_ms = host->now_ms + (int64_t)(delay_ms < longest_ms ? delay_ms : longest_ms);
    /* One without a delay that starts itself again would never let the clock go on. */
    if (delay_ms == 0) ++made->due_ms;
  }
  tocsin_test_changed(host);
}

static inline tocsin_status tocsin_test_reveal(void* context, uint64_t handle, const tocsin_sink* value,
                                               const tocsin_sink* error) {
  (void)handle;
  (void)error;
  return tocsin_write(value, tocsin_text(((tocsin_test_host*)context)->secret));
}

static inline void tocsin_test_take_outcomes(void* context, const tocsin_outcome* const* outcomes, uint64_t count) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  uint64_t index;
  tocsin_test_lock(host);
  for (index = 0; index < count; ++index) {
    if (host->outcome_count < TOCSIN_TEST_MAX) {
      tocsin_test_outcome* kept = &host->outcomes[host->outcome_count];
      kept->delivery = outcomes[index]->delivery;
      kept->outcome_class = outcomes[index]->outcome_class;
      tocsin_test_copy(kept->code, sizeof(kept->code), outcomes[index]->code.data, outcomes[index]->code.size);
      tocsin_test_copy(kept->detail, sizeof(kept->detail), outcomes[index]->detail.data, outcomes[index]->detail.size);
    }
    ++host->outcome_count;
  }
  tocsin_test_changed(host);
}

static inline tocsin_test_memory* tocsin_test_memory_of(tocsin_test_host* host, tocsin_string name) {
  uint64_t index;
  for (index = 0; index < host->memory_count; ++index) {
    if (tocsin_equal(name, host->memory[index].name)) return &host->memory[index];
  }
  return NULL;
}

static inline void tocsin_test_remember(tocsin_test_host* host, tocsin_string name, tocsin_string value) {
  tocsin_test_memory* kept = tocsin_test_memory_of(host, name);
  if (kept == NULL) {
    if (host->memory_count == TOCSIN_TEST_MAX) return;
    kept = &host->memory[host->memory_count++];
  }
  tocsin_test_copy(kept->name, sizeof(kept->name), name.data, name.size);
  tocsin_test_copy(kept->value, sizeof(kept->value), value.data, value.size);
}

static inline tocsin_status tocsin_test_publish(void* context, tocsin_token source, uint64_t ticket,
                                                const tocsin_event* const* events, uint64_t event_count,
                                                const tocsin_field* memory, uint64_t memory_count,
                                                const tocsin_sink* error) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  uint64_t index;
  if (host->publishing != TOCSIN_OK) {
    tocsin_write(error, tocsin_text("the test has publish() refuse"));
    return host->publishing;
  }
  for (index = 0; index < event_count; ++index) {
    if (events[index]->id.size == 0 || events[index]->source.size == 0 || events[index]->type.size == 0) {
      tocsin_write(error, tocsin_text("an event needs id, source and type"));
      return TOCSIN_INVALID;
    }
  }
  tocsin_test_lock(host);
  for (index = 0; index < event_count; ++index) {
    if (host->event_count < TOCSIN_TEST_MAX) {
      tocsin_test_event* kept = &host->events[host->event_count];
      kept->source = source;
      kept->ticket = ticket;
      tocsin_test_copy(kept->id, sizeof(kept->id), events[index]->id.data, events[index]->id.size);
      tocsin_test_copy(kept->origin, sizeof(kept->origin), events[index]->source.data, events[index]->source.size);
      tocsin_test_copy(kept->type, sizeof(kept->type), events[index]->type.data, events[index]->type.size);
      tocsin_test_copy(kept->subject, sizeof(kept->subject), events[index]->subject.data, events[index]->subject.size);
      tocsin_test_copy(kept->severity, sizeof(kept->severity), events[index]->severity.data,
                       events[index]->severity.size);
      tocsin_test_copy(kept->organization, sizeof(kept->organization), events[index]->organization.data,
                       events[index]->organization.size);
      tocsin_test_copy(kept->data, sizeof(kept->data), events[index]->data.data, events[index]->data.size);
    }
    ++host->event_count;
  }
  for (index = 0; index < memory_count; ++index) tocsin_test_remember(host, memory[index].name, memory[index].value);
  tocsin_test_changed(host);
  return TOCSIN_OK;
}

static inline tocsin_status tocsin_test_recall(void* context, tocsin_token source, tocsin_string name,
                                               const tocsin_sink* value) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  const tocsin_test_memory* kept;
  char found[512] = "";
  (void)source;
  tocsin_test_lock(host);
  kept = tocsin_test_memory_of(host, name);
  if (kept != NULL) memcpy(found, kept->value, sizeof(found));
  tocsin_test_unlock(host);
  return found[0] == '\0' ? TOCSIN_OK : tocsin_write(value, tocsin_text(found));
}

static inline void tocsin_test_take_answer(void* context, tocsin_token request, const tocsin_secret_answer* answer) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  tocsin_test_lock(host);
  if (host->answer_count < TOCSIN_TEST_MAX) {
    tocsin_test_answer* kept = &host->answers[host->answer_count];
    kept->request = request;
    kept->status = answer->status;
    tocsin_test_copy(kept->value, sizeof(kept->value), answer->value.data, answer->value.size);
    tocsin_test_copy(kept->reason, sizeof(kept->reason), answer->reason.data, answer->reason.size);
  }
  ++host->answer_count;
  tocsin_test_changed(host);
}

static inline void tocsin_test_take_http_answer(void* context, tocsin_token call, const tocsin_http_answer* answer) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  tocsin_test_lock(host);
  if (host->http_answer_count < TOCSIN_TEST_MAX) {
    tocsin_test_http_answer* kept = &host->http_answers[host->http_answer_count];
    kept->call = call;
    kept->status = answer->status;
    tocsin_test_copy(kept->content_type, sizeof(kept->content_type), answer->content_type.data,
                     answer->content_type.size);
    tocsin_test_copy(kept->body, sizeof(kept->body), answer->body.data, answer->body.size);
  }
  ++host->http_answer_count;
  tocsin_test_changed(host);
}

static inline tocsin_test_series* tocsin_test_series_of(tocsin_test_host* host, const char* name, const char* labels) {
  uint64_t index;
  for (index = 0; index < host->series_count; ++index) {
    if (strcmp(host->series[index].name, name) == 0 && strcmp(host->series[index].labels, labels) == 0)
      return &host->series[index];
  }
  return NULL;
}

static inline uint64_t tocsin_test_make_series(void* context, const tocsin_metric* metric, const tocsin_field* labels,
                                               uint64_t label_count) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  tocsin_test_series made;
  tocsin_test_series* kept;
  uint64_t index;
  memset(&made, 0, sizeof(made));
  made.kind = metric->kind;
  tocsin_test_copy(made.name, sizeof(made.name), metric->name.data, metric->name.size);
  for (index = 0; index < label_count; ++index) {
    const size_t used = strlen(made.labels);
    snprintf(made.labels + used, sizeof(made.labels) - used, "%s%.*s=%.*s", index > 0 ? "," : "",
             TOCSIN_PRINT(labels[index].name), TOCSIN_PRINT(labels[index].value));
  }
  tocsin_test_lock(host);
  kept = tocsin_test_series_of(host, made.name, made.labels);
  if (kept == NULL && host->series_count < TOCSIN_TEST_MAX) {
    kept = &host->series[host->series_count++];
    *kept = made;
  }
  index = kept == NULL || kept->kind != made.kind ? 0 : (uint64_t)(kept - host->series) + 1;
  tocsin_test_changed(host);
  return index;
}

static inline void tocsin_test_record(void* context, uint64_t series, int64_t value) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  tocsin_test_lock(host);
  if (series > 0 && series <= host->series_count) {
    tocsin_test_series* its = &host->series[series - 1];
    its->value = its->kind == TOCSIN_METRIC_GAUGE ? value : its->value + value;
    ++its->records;
  }
  tocsin_test_changed(host);
}

static inline void tocsin_test_take_stage(void* context, tocsin_token run, const tocsin_stage* stage) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  (void)run;
  tocsin_test_lock(host);
  if (host->stage_count < TOCSIN_TEST_MAX) {
    tocsin_test_stage* kept = &host->stages[host->stage_count];
    kept->ok = stage->ok != 0;
    tocsin_test_copy(kept->stage, sizeof(kept->stage), stage->stage.data, stage->stage.size);
    tocsin_test_copy(kept->code, sizeof(kept->code), stage->code.data, stage->code.size);
    tocsin_test_copy(kept->detail, sizeof(kept->detail), stage->detail.data, stage->detail.size);
  }
  ++host->stage_count;
  tocsin_test_changed(host);
}

static inline void tocsin_test_end_diagnosis(void* context, tocsin_token run) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  (void)run;
  tocsin_test_lock(host);
  ++host->diagnosis_count;
  tocsin_test_changed(host);
}

static inline const void* tocsin_test_get_extension(void* context, tocsin_string id) {
  static const tocsin_host_log log = {sizeof(tocsin_host_log), 0, tocsin_test_write_log};
  static const tocsin_host_clock clock = {sizeof(tocsin_host_clock), 0, tocsin_test_now, tocsin_test_monotonic};
  static const tocsin_host_timer timer = {sizeof(tocsin_host_timer), 0, tocsin_test_start_timer,
                                          tocsin_test_cancel_timer};
  static const tocsin_host_secrets secrets = {sizeof(tocsin_host_secrets), 0, tocsin_test_reveal};
  static const tocsin_host_complete complete = {sizeof(tocsin_host_complete), 0, tocsin_test_take_outcomes};
  static const tocsin_host_publish publish = {sizeof(tocsin_host_publish), 0, tocsin_test_publish, tocsin_test_recall};
  static const tocsin_host_secret_answer answer = {sizeof(tocsin_host_secret_answer), 0, tocsin_test_take_answer};
  static const tocsin_host_http_answer http = {sizeof(tocsin_host_http_answer), 0, tocsin_test_take_http_answer};
  static const tocsin_host_metrics metrics = {sizeof(tocsin_host_metrics), 0, tocsin_test_make_series,
                                              tocsin_test_record};
  static const tocsin_host_doctor doctor = {sizeof(tocsin_host_doctor), 0, tocsin_test_take_stage,
                                            tocsin_test_end_diagnosis};
  (void)context;
  if (tocsin_equal(id, TOCSIN_HOST_LOG)) return &log;
  if (tocsin_equal(id, TOCSIN_HOST_CLOCK)) return &clock;
  if (tocsin_equal(id, TOCSIN_HOST_TIMER)) return &timer;
  if (tocsin_equal(id, TOCSIN_HOST_SECRETS)) return &secrets;
  if (tocsin_equal(id, TOCSIN_HOST_COMPLETE)) return &complete;
  if (tocsin_equal(id, TOCSIN_HOST_PUBLISH)) return &publish;
  if (tocsin_equal(id, TOCSIN_HOST_SECRET_ANSWER)) return &answer;
  if (tocsin_equal(id, TOCSIN_HOST_HTTP_ANSWER)) return &http;
  if (tocsin_equal(id, TOCSIN_HOST_METRICS)) return &metrics;
  if (tocsin_equal(id, TOCSIN_HOST_DOCTOR)) return &doctor;
  return NULL;
}

#ifdef __cplusplus
}
#endif

#endif
