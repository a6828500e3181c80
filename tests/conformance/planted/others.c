/* The planted plugin's other extensions. */
#define _GNU_SOURCE
#include "tests/conformance/planted/planted.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- source and timer: an event a minute, tried again where it was refused ---- */
static void start_timer(planted* self, uint64_t id) {
  const tocsin_host_timer* timers = FIND(self, tocsin_host_timer, TOCSIN_HOST_TIMER);
  if (timers != NULL) timers->start(self->host->context, id, 60 * 1000);
}

static tocsin_status take_nothing(void* context, tocsin_bytes data) {
  (void)context;
  (void)data;
  return TOCSIN_OK;
}

static void publish_tick(planted* self) {
  const tocsin_host_publish* host = FIND(self, tocsin_host_publish, TOCSIN_HOST_PUBLISH);
  const tocsin_sink value = {sizeof(tocsin_sink), 0, NULL, take_nothing};
  tocsin_event event;
  const tocsin_event* events = &event;
  tocsin_status status;
  int round;
  if (host == NULL || self->waits_for_answer) return;
  if (!bug("source.close-stops-publishing") && !bug("source.answered-after-close") &&
      host->recall(self->host->context, self->source, TEXT("count"), &value) != TOCSIN_OK) {
    if (bug("source.recall-failing")) abort();
    say(self, "the memory cannot be read; the next try is in a minute");
    return;
  }
  memset(&event, 0, sizeof(event));
  event.struct_size = sizeof(event);
  event.id = TEXT("tick-1");
  event.source = TEXT("/planted");
  event.type = TEXT("org.example.tick");
  event.time_ms = TOCSIN_NO_TIME;
  event.expires_ms = TOCSIN_NO_TIME;
  status = host->publish(self->host->context, self->source, 7, &events, 1, NULL, 0, NULL);
  for (round = 0; status == TOCSIN_UNAVAILABLE && bug("source.credits") && round < 5000; ++round)
    status = host->publish(self->host->context, self->source, 7, &events, 1, NULL, 0, NULL);
  self->waits_for_answer = status == TOCSIN_OK;
  self->came_too_late = status != TOCSIN_OK && bug("source.refused-publish-is-tried-again-or-logged");
}

static tocsin_status open_source(void* object, const tocsin_source_config* config, tocsin_token* source,
                                 const tocsin_sink* error) {
  planted* self = object;
  if (!has_name(config->settings)) return fail(error, "name is not set; give it a name");
  *source = self->source = next_token(self);
  if (bug("source.open-close")) memset(source, 0, sizeof(*source));
  self->source_is_open = 1;
  self->waits_for_answer = 0;
  break_in_open_source(self);
  start_timer(self, source->index);
  return TOCSIN_OK;
}

static void close_source(void* object, tocsin_token source) {
  planted* self = object;
  const tocsin_host_timer* timers = FIND(self, tocsin_host_timer, TOCSIN_HOST_TIMER);
  break_in_close_source(self, source);
  if (bug("source.close-stops-publishing")) return;
  if (timers != NULL) timers->cancel(self->host->context, source.index);
  self->source_is_open = 0;
}

static void published(void* object, tocsin_token source, uint64_t ticket, const tocsin_publish_result* result) {
  planted* self = object;
  (void)source;
  (void)ticket;
  self->waits_for_answer = 0;
  if (bug("throws.in-published")) throw_now();
  if (result->status != TOCSIN_OK && !bug("source.refused-publish-is-tried-again-or-logged"))
    say(self, "an event was refused; the next try is in a minute");
  if (!self->source_is_open && bug("source.answered-after-close")) publish_tick(self);
}

static void fired(void* object, uint64_t id) {
  planted* self = object;
  if (bug("throws.in-fired")) throw_now();
  if (id != self->source.index) {
    if (bug("timer.late-and-unknown-ids")) abort();
    return;
  }
  if (!self->source_is_open || self->came_too_late) return;
  publish_tick(self);
  start_timer(self, id);
}

const tocsin_source planted_source = {sizeof(tocsin_source), 0, open_source, close_source, published};
const tocsin_timer planted_timer = {sizeof(tocsin_timer), 0, fired};

/* ---- doctor ---- */
static void report(planted* self, tocsin_token run, tocsin_string name, uint32_t ok, tocsin_string code) {
  const tocsin_host_doctor* host = FIND(self, tocsin_host_doctor, TOCSIN_HOST_DOCTOR);
  tocsin_stage stage;
  memset(&stage, 0, sizeof(stage));
  stage.struct_size = sizeof(stage);
  stage.ok = ok;
  stage.stage = name;
  stage.code = code;
  if (bug("stage.detail")) stage.detail = TEXT("two\nlines");
  if (bug("stage.unknown-run")) run.index += 99;
  if (host != NULL) host->stage(self->host->context, run, &stage);
}

static tocsin_status diagnose(void* object, const tocsin_diagnosis* request, const tocsin_sink* error) {
  planted* self = object;
  const tocsin_host_doctor* host = FIND(self, tocsin_host_doctor, TOCSIN_HOST_DOCTOR);
  if (host == NULL) return fail(error, "this host takes no diagnosis");
  if (request->endpoint.generation != 1) {
    if (bug("doctor.unknown-endpoint")) return TOCSIN_OK;
    return fail(error, "there is no such endpoint");
  }
  if (bug("doctor.reports-in-order-and-ends")) report(self, request->run, TEXT("reach"), 1, TEXT("OK"));
  report(self, request->run, TEXT("settings"), 1, TEXT("OK"));
  report(self, request->run, TEXT("reach"), 0, TEXT("NOT_REACHED"));
  host->done(self->host->context, request->run);
  return TOCSIN_OK;
}

const tocsin_doctor planted_doctor = {sizeof(tocsin_doctor), 0, diagnose};

/* ---- preset, config, health ---- */
static void check_preset(void* object, const tocsin_endpoint* endpoint, const tocsin_finding_report* to) {
  planted* self = object;
  const tocsin_finding finding = {sizeof(finding), 0, TEXT("name"), TEXT("SETTINGS_INVALID"),
                                  TEXT("The name is odd; choose another.")};
  (void)endpoint;
  if (bug("preset.pure") && self->calls++ % 2 == 0) return;
  to->finding(to->context, &finding);
}

const tocsin_preset planted_preset = {sizeof(tocsin_preset), 0, check_preset};

static void check_config(void* object, const tocsin_config_input* input, const tocsin_finding_report* to) {
  tocsin_finding finding = {sizeof(finding), 0, TEXT("name"), TEXT("SETTINGS_INVALID"),
                            TEXT("The name is odd; choose another.")};
  (void)object;
  (void)input;
  if (bug("config.check-is-pure")) finding.text = TEXT("");
  to->finding(to->context, &finding);
}

static tocsin_status migrate(void* object, const tocsin_config_input* input, const tocsin_sink* settings,
                             const tocsin_finding_report* to) {
  static const char whole[] = "{\"name\": \"migrated\"}";
  static const char half[] = "{\"name\": ";
  tocsin_bytes bytes = {(const uint8_t*)whole, sizeof(whole) - 1};
  (void)object;
  (void)to;
  if (input->settings.size == 0 || input->settings.data[0] != '{') return TOCSIN_UNSUPPORTED;
  if (bug("config.migrate-writes-a-table")) bytes = (tocsin_bytes){(const uint8_t*)half, sizeof(half) - 1};
  return settings->write(settings->context, bytes);
}

const tocsin_config planted_config = {sizeof(tocsin_config), 0, check_config, migrate};

static tocsin_health_state check_health(void* object, const tocsin_sink* text) {
  (void)object;
  if (!bug("health.says-why")) fail(text, "It is getting old; replace it next year.");
  return TOCSIN_HEALTH_DEGRADED;
}

const tocsin_health planted_health = {sizeof(tocsin_health), 0, check_health};

/* ---- subscriber ---- */
static const tocsin_event* kept;

static tocsin_status open_subscription(void* object, const tocsin_subscription* subscription, tocsin_token* token,
                                       const tocsin_sink* error) {
  planted* self = object;
  if (!has_name(subscription->settings)) return fail(error, "name is not set; give it a name");
  *token = next_token(self);
  if (bug("subscriber.open-close")) memset(token, 0, sizeof(*token));
  return TOCSIN_OK;
}

static void close_subscription(void* object, tocsin_token subscription) {
  (void)object;
  (void)subscription;
}

static void events(void* object, tocsin_token subscription, const tocsin_event* const* list, uint64_t count,
                   uint64_t lost) {
  planted* self = object;
  (void)subscription;
  (void)lost;
  if (bug("counts-aloud")) {
    /* The kit's chance chooses how many. */
    char line[32];
    const int size = snprintf(line, sizeof(line), "%d\n", (int)count);
    const tocsin_host_log* log = FIND(self, tocsin_host_log, TOCSIN_HOST_LOG);
    if (log != NULL) log->write(self->host->context, TOCSIN_LOG_INFO, (tocsin_string){line, (uint64_t)size}, NULL, 0);
  }
  if (bug("subscriber.takes-events") && kept != NULL && kept->struct_size == 0) self->calls = 1;
  if (count > 0) kept = list[0];
}

const tocsin_subscriber planted_subscriber = {sizeof(tocsin_subscriber), 0, open_subscription, close_subscription,
                                              events};

/* ---- secrets ---- */
static void answer_secret(planted* self, tocsin_token request, tocsin_status status) {
  const tocsin_host_secret_answer* host = FIND(self, tocsin_host_secret_answer, TOCSIN_HOST_SECRET_ANSWER);
  tocsin_secret_answer answer;
  memset(&answer, 0, sizeof(answer));
  answer.struct_size = sizeof(answer);
  answer.status = status;
  answer.valid_ms = -1;
  if (status != TOCSIN_OK) answer.reason = TEXT("there is no such secret");
  if (bug("secret_answer.no-reason")) answer.reason = TEXT("");
  if (bug("secret_answer.value-of-failure")) answer.value = (tocsin_bytes){(const uint8_t*)"value", 5};
  if (host != NULL) host->answer(self->host->context, request, &answer);
}

static tocsin_status open_store(void* object, const tocsin_secret_store_config* config, tocsin_token* store,
                                const tocsin_sink* error) {
  planted* self = object;
  if (!has_name(config->settings)) return fail(error, "name is not set; give it a name");
  *store = next_token(self);
  if (bug("secrets.open-close")) memset(store, 0, sizeof(*store));
  return TOCSIN_OK;
}

static void close_store(void* object, tocsin_token store) {
  (void)object;
  (void)store;
}

static void fetch(void* object, tocsin_token store, tocsin_token request, tocsin_string reference) {
  planted* self = object;
  (void)store;
  (void)reference;
  if (bug("secrets.close-answers-what-is-open")) return;
  if (bug("secrets.several-at-once") && is_interrupted(self)) return;
  answer_secret(self, request, TOCSIN_INVALID);
  if (bug("secrets.answers-each-once")) answer_secret(self, request, TOCSIN_INVALID);
}

const tocsin_secret_store planted_secrets = {sizeof(tocsin_secret_store), 0, open_store, close_store, fetch};

/* ---- http_route ---- */
static void call(void* object, const tocsin_http_call* asked) {
  planted* self = object;
  const tocsin_host_http_answer* host = FIND(self, tocsin_host_http_answer, TOCSIN_HOST_HTTP_ANSWER);
  tocsin_http_answer answer;
  if (bug("http_route.several-at-once") && is_interrupted(self)) return;
  memset(&answer, 0, sizeof(answer));
  answer.struct_size = sizeof(answer);
  answer.status = bug("http_route.answers-each-once") ? 99 : 202;
  if (host != NULL) host->answer(self->host->context, asked->call, &answer);
}

const tocsin_http_route planted_http_route = {sizeof(tocsin_http_route), 0, call};
