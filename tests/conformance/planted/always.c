/* Faults that the kit's host notices in whichever case they come: it checks each call that a plugin makes. */
#define _GNU_SOURCE
#include "tests/conformance/planted/planted.h"

#include <stdio.h>
#include <unistd.h>

#define BYTES(LITERAL) ((tocsin_string){LITERAL, sizeof(LITERAL) - 1})

static void look_for_service(planted* self) {
  const tocsin_host_services* host = FIND(self, tocsin_host_services, TOCSIN_HOST_SERVICES);
  tocsin_service service = {sizeof(service), 0, NULL, NULL};
  if (host != NULL) host->find(self->host->context, TEXT("org.example.nothing/1"), &service);
}

static void write_log(planted* self, void* context, tocsin_string text) {
  const tocsin_host_log* log = FIND(self, tocsin_host_log, TOCSIN_HOST_LOG);
  if (log != NULL) log->write(context, TOCSIN_LOG_INFO, text, NULL, 0);
}

static void record_unknown(planted* self) {
  const tocsin_host_metrics* host = FIND(self, tocsin_host_metrics, TOCSIN_HOST_METRICS);
  if (host != NULL) host->record(self->host->context, 99, 1);
}

static void write_null_fields(planted* self) {
  const tocsin_host_log* log = FIND(self, tocsin_host_log, TOCSIN_HOST_LOG);
  if (log != NULL) log->write(self->host->context, TOCSIN_LOG_INFO, TEXT("fields"), NULL, 3);
}

static void complete_unknown(planted* self, int null_list) {
  const tocsin_host_complete* host = FIND(self, tocsin_host_complete, TOCSIN_HOST_COMPLETE);
  tocsin_outcome outcome;
  const tocsin_outcome* all = &outcome;
  memset(&outcome, 0, sizeof(outcome));
  outcome.struct_size = sizeof(outcome);
  outcome.delivery = (tocsin_token){99, 99};
  outcome.retry_after_ms = -1;
  if (host != NULL) host->complete(self->host->context, null_list ? NULL : &all, 1);
}

static void answer_unknown(planted* self) {
  const tocsin_host_http_answer* http = FIND(self, tocsin_host_http_answer, TOCSIN_HOST_HTTP_ANSWER);
  const tocsin_host_secret_answer* secrets = FIND(self, tocsin_host_secret_answer, TOCSIN_HOST_SECRET_ANSWER);
  tocsin_http_answer answer;
  tocsin_secret_answer secret;
  memset(&answer, 0, sizeof(answer));
  answer.struct_size = sizeof(answer);
  answer.status = 200;
  memset(&secret, 0, sizeof(secret));
  secret.struct_size = sizeof(secret);
  secret.status = TOCSIN_INVALID;
  secret.reason = TEXT("nobody asked");
  if (bug("http_answer.unknown") && http != NULL) http->answer(self->host->context, (tocsin_token){99, 99}, &answer);
  if (bug("secret_answer.unknown") && secrets != NULL)
    secrets->answer(self->host->context, (tocsin_token){99, 99}, &secret);
}

static void count(planted* self, uint32_t size, tocsin_string name, int64_t divisor) {
  const tocsin_host_metrics* host = FIND(self, tocsin_host_metrics, TOCSIN_HOST_METRICS);
  const tocsin_metric metric = {size, TOCSIN_METRIC_COUNTER, name, TEXT("How many."), divisor, NULL, 0};
  if (host != NULL) host->record(self->host->context, host->series(self->host->context, &metric, NULL, 0), 1);
}

static void publish_event(planted* self, tocsin_token source, uint32_t size, tocsin_string id) {
  const tocsin_host_publish* host = FIND(self, tocsin_host_publish, TOCSIN_HOST_PUBLISH);
  tocsin_event event;
  const tocsin_event* events = &event;
  if (host == NULL) return;
  memset(&event, 0, sizeof(event));
  event.struct_size = size;
  event.id = id;
  event.source = TEXT("/planted");
  event.type = TEXT("org.example.tick");
  event.time_ms = TOCSIN_NO_TIME;
  event.expires_ms = TOCSIN_NO_TIME;
  host->publish(self->host->context, source, 8, &events, 1, NULL, 0, NULL);
}

static tocsin_status take_nothing(void* context, tocsin_bytes data) {
  (void)context;
  (void)data;
  return TOCSIN_OK;
}

static void start_timer(planted* self) {
  const tocsin_host_timer* host = FIND(self, tocsin_host_timer, TOCSIN_HOST_TIMER);
  if (host != NULL) host->start(self->host->context, 1, 1000);
}

static void reveal_secret(planted* self) {
  const tocsin_host_secrets* host = FIND(self, tocsin_host_secrets, TOCSIN_HOST_SECRETS);
  const tocsin_sink sink = {sizeof(tocsin_sink), 0, NULL, take_nothing};
  if (host != NULL) host->reveal(self->host->context, 1, &sink, &sink);
}

static void recall(planted* self, tocsin_token source) {
  const tocsin_host_publish* host = FIND(self, tocsin_host_publish, TOCSIN_HOST_PUBLISH);
  const tocsin_sink value = {sizeof(tocsin_sink), 0, NULL, take_nothing};
  if (host != NULL) host->recall(self->host->context, source, TEXT("count"), &value);
}

static void* recall_alone(void* given) {
  planted* self = given;
  recall(self, self->source);
  return NULL;
}

void break_in_create(planted* self) {
  if (bug("find.in-create")) look_for_service(self);
  if (bug("timer.in-create")) start_timer(self);
  if (bug("reveal.in-create")) reveal_secret(self);
}

void break_in_start(planted* self, const tocsin_sink* error) {
  if (bug("log.line-break")) write_log(self, self->host->context, TEXT("one\ntwo"));
  if (bug("log.nul")) write_log(self, self->host->context, BYTES("one\0two"));
  if (bug("log.not-utf8")) write_log(self, self->host->context, BYTES("<\"one\" & \xff"));
  if (bug("log.null-with-size")) write_log(self, self->host->context, (tocsin_string){NULL, 5});
  if (bug("log.null-fields")) write_null_fields(self);
  if (bug("outcome.unknown")) complete_unknown(self, 0);
  if (bug("outcome.null-list")) complete_unknown(self, 1);
  if (bug("http_answer.unknown") || bug("secret_answer.unknown")) answer_unknown(self);
  if (bug("throws.in-start")) throw_now();
  if (bug("context")) write_log(self, self, TEXT("to another host"));
  if (bug("metric.name")) count(self, sizeof(tocsin_metric), TEXT("Bad-Name"), 1);
  if (bug("metric.divisor")) count(self, sizeof(tocsin_metric), TEXT("ticks_total"), 0);
  if (bug("metric.struct_size")) count(self, 4, TEXT("ticks_total"), 1);
  if (bug("metric.unknown-series")) record_unknown(self);
  if (bug("publish.unknown-source")) publish_event(self, (tocsin_token){99, 99}, sizeof(tocsin_event), TEXT("tick-2"));
  if (bug("allowed.own-event")) publish_event(self, (tocsin_token){0, 0}, sizeof(tocsin_event), TEXT("tick-2"));
  if (bug("sink.kept")) self->kept_sink = *error;
  if (bug("prints")) {
    static const char odd[] = "\n<\"odd\" & \0 \x1b \xef\xbf\xbf>\n<&\xff>\n";
    if (write(STDERR_FILENO, odd, sizeof(odd) - 1) < 0) perror("write");
    write_log(self, self->host->context, BYTES("<\"one\" & \xff"));
  }
}

void break_in_open_source(planted* self) {
  pthread_t thread;
  if (bug("find.after-start")) look_for_service(self);
  if (bug("recall.own-thread") && pthread_create(&thread, NULL, recall_alone, self) == 0) pthread_join(thread, NULL);
}

void break_in_close_source(planted* self, tocsin_token source) {
  const tocsin_token strange = {source.index + 50, 1};
  if (bug("event.no-id")) publish_event(self, source, sizeof(tocsin_event), TEXT(""));
  if (bug("event.struct_size")) publish_event(self, source, 4, TEXT("tick-2"));
  if (bug("recall.unknown-source")) recall(self, strange);
}

void break_in_stop(planted* self) {
  const tocsin_bytes late = {(const uint8_t*)"late", 4};
  if (bug("sink.kept") && self->kept_sink.write != NULL) self->kept_sink.write(self->kept_sink.context, late);
}
