/* A test plugin that uses each helper of tocsin/c: robots say by HTTP that they live, each becomes an event, and who is
 * silent for a minute makes the plugin degraded. As a channel it keeps what is to wait. */
#include <tocsin/c/config.h>
#include <tocsin/c/doctor.h>
#include <tocsin/c/health.h>
#include <tocsin/c/http_route.h>
#include <tocsin/c/metrics.h>

enum { most_waiting = 8, silence_ms = 60000, alarm = 1000 };

typedef struct robots {
  uint64_t taken, refused, present, size;
  uint64_t beats;
  int silent;
  tocsin_token calls[most_waiting]; /* under way, by ticket */
  tocsin_token messages[most_waiting];
  int message_count;
  pthread_t answering;
  int has_thread;
} robots;

static robots* of(void* self) { return ((tocsin_c_plugin*)self)->state; }

static tocsin_status start(tocsin_c_plugin* self, const tocsin_sink* error) {
  static const int64_t bounds[] = {16, 256};
  robots* made = calloc(1, sizeof(*made));
  if (!made) return tocsin_fail(error, "out of memory");
  made->taken = tocsin_counter(self, "heartbeats_total", "Heartbeats, by what became of them.", "result", "taken");
  made->refused = tocsin_counter(self, "heartbeats_total", "Heartbeats, by what became of them.", "result", "refused");
  made->present = tocsin_gauge(self, "robots", "Robots that are known.", NULL, NULL);
  made->size = tocsin_histogram(self, "request_bytes", "How long a request is.", bounds, 2, 1);
  self->state = made;
  return TOCSIN_OK;
}

static void give_back(void* self) {
  robots* its = of(self);
  int count;
  tocsin_token messages[most_waiting];
  tocsin_lock(self);
  count = its->message_count;
  its->message_count = 0;
  memcpy(messages, its->messages, sizeof(messages));
  tocsin_unlock(self);
  while (count > 0) tocsin_complete(self, messages[--count], TOCSIN_CLASS_RETURNED, "", "");
}

static void stop(tocsin_c_plugin* self) {
  if (of(self)->has_thread) pthread_join(of(self)->answering, NULL);
  give_back(self);
  free(self->state);
}

/* ---- The source ---- */

static tocsin_status open_source(void* self, const tocsin_source_config* config, tocsin_token* source,
                                 const tocsin_sink* error) {
  const int64_t first = tocsin_json_integer(config->settings, "first", 0);
  if (!tocsin_start_timer(self, alarm, silence_ms)) return tocsin_fail(error, "this host has no timers");
  return tocsin_keep(self, &first, sizeof(first), source);
}

static void close_source(void* self, tocsin_token source) {
  tocsin_cancel_timer(self, alarm);
  tocsin_drop(self, source);
}

static void fired(void* self, uint64_t id) {
  (void)id;
  tocsin_lock(self);
  of(self)->silent = 1;
  tocsin_unlock(self);
}

static void call(void* self, const tocsin_http_call* request) {
  robots* its = of(self);
  char robot[64], data[256], id[32];
  tocsin_json json = tocsin_json_begin(data, sizeof(data));
  tocsin_event event = tocsin_new_event(self);
  uint64_t ticket;
  tocsin_record(self, its->size, (int64_t)request->body.size);
  if (tocsin_json_text(tocsin_http_body(request), "robot", robot, sizeof(robot)) <= 0) {
    tocsin_record(self, its->refused, 1);
    tocsin_refuse_http(self, request->call, 400, "The body has no \"robot\".");
    return;
  }
  tocsin_lock(self);
  ticket = ++its->beats;
  its->calls[ticket % most_waiting] = request->call;
  its->silent = 0;
  tocsin_unlock(self);
  tocsin_start_timer(self, alarm, silence_ms);
  snprintf(id, sizeof(id), "%llu", (unsigned long long)ticket);
  tocsin_json_add_text(&json, "robot", tocsin_text(robot));
  tocsin_json_add_integer(&json, "beat", (int64_t)ticket);
  tocsin_json_add_flag(&json, "alive", 1);
  tocsin_json_end(&json);
  event.id = tocsin_text(id);
  event.source = tocsin_text("/robots");
  event.type = tocsin_text("test.heartbeat");
  event.data = tocsin_data(data);
  if (tocsin_publish(self, request->source, ticket, &event, "last", robot) == TOCSIN_OK) return;
  tocsin_record(self, its->refused, 1);
  tocsin_refuse_http(self, request->call, 503, "There is no room for an event now.");
}

static void published(void* self, tocsin_token source, uint64_t ticket, const tocsin_publish_result* result) {
  robots* its = of(self);
  (void)source;
  tocsin_record(self, result->status == TOCSIN_OK ? its->taken : its->refused, 1);
  tocsin_record(self, its->present, 1);
  if (result->status == TOCSIN_OK)
    tocsin_answer_http(self, its->calls[ticket % most_waiting], 202, "{\"seen\":true}");
  else
    tocsin_refuse_http(self, its->calls[ticket % most_waiting], 503, "The event is not on disk.");
}

static tocsin_health_state check_health(void* self, const tocsin_sink* text) {
  int silent;
  tocsin_lock(self);
  silent = of(self)->silent;
  tocsin_unlock(self);
  return silent ? tocsin_unwell(text, TOCSIN_HEALTH_DEGRADED, "No robot has called for a minute.") : TOCSIN_HEALTH_GOOD;
}

/* ---- Settings ---- */

static void check_settings(void* self, const tocsin_config_input* input, const tocsin_finding_report* report) {
  const int64_t first = tocsin_json_integer(input->settings, "first", 0);
  (void)self;
  if (first >= tocsin_json_integer(input->settings, "last", 0))
    tocsin_report_error(report, "first", "SETTINGS_INVALID", "The first hour is not before the last.");
  else if (first == 0)
    tocsin_report_warning(report, "first", "SETTINGS_INVALID", "Robots sleep at midnight.");
}

static tocsin_status migrate(void* self, const tocsin_config_input* input, const tocsin_sink* settings,
                             const tocsin_finding_report* report) {
  const int64_t begin = tocsin_json_integer(input->settings, "begin", -1);
  char made[64];
  tocsin_json json = tocsin_json_begin(made, sizeof(made));
  (void)self;
  if (begin < 0) return TOCSIN_UNSUPPORTED;
  tocsin_json_add_integer(&json, "first", begin);
  tocsin_json_end(&json);
  tocsin_report_warning(report, "begin", "SETTINGS_INVALID", "\"begin\" became \"first\".");
  return tocsin_write(settings, tocsin_text(made));
}

/* ---- The channel ---- */

static tocsin_status open_endpoint(void* self, const tocsin_endpoint* endpoint, tocsin_endpoint_info* info,
                                   const tocsin_sink* error) {
  (void)endpoint;
  (void)error;
  info->slots = most_waiting;
  return tocsin_keep(self, "", 1, &info->token);
}

static void close_endpoint(void* self, tocsin_token endpoint) {
  give_back(self);
  tocsin_drop(self, endpoint);
}

static void* take_all(void* self) {
  robots* its = of(self);
  int index;
  tocsin_lock(self);
  for (index = 0; index < its->message_count; ++index)
    tocsin_complete(self, its->messages[index], TOCSIN_CLASS_DELIVERED, "OK", "");
  its->message_count = 0;
  tocsin_unlock(self);
  return NULL;
}

/* What is to "wait" does, until a message to "wake up" has a thread of the plugin's take all. */
static void deliver(void* self, const tocsin_message* const* messages, uint64_t count) {
  robots* its = of(self);
  uint64_t index;
  tocsin_lock(self);
  for (index = 0; index < count; ++index) {
    const int wakes = tocsin_equal(messages[index]->subject, "wake up");
    if (!wakes && !tocsin_equal(messages[index]->subject, "wait")) {
      tocsin_complete(self, messages[index]->delivery, TOCSIN_CLASS_DELIVERED, "OK", "");
      continue;
    }
    if (its->message_count == most_waiting) {
      tocsin_complete(self, messages[index]->delivery, TOCSIN_CLASS_TRANSIENT, "NO_ROBOT", "all are busy");
      continue;
    }
    its->messages[its->message_count++] = messages[index]->delivery;
    if (wakes && !its->has_thread) its->has_thread = pthread_create(&its->answering, NULL, take_all, self) == 0;
  }
  tocsin_unlock(self);
}

static void cancel(void* self, const tocsin_token* deliveries, uint64_t count) {
  robots* its = of(self);
  uint64_t index;
  int at;
  tocsin_lock(self);
  for (index = 0; index < count; ++index) {
    for (at = 0; at < its->message_count; ++at) {
      if (its->messages[at].index != deliveries[index].index) continue;
      its->messages[at] = its->messages[--its->message_count];
      tocsin_complete(self, deliveries[index], TOCSIN_CLASS_RETURNED, "", "");
      break;
    }
  }
  tocsin_unlock(self);
}

static tocsin_status diagnose(void* self, const tocsin_diagnosis* request, const tocsin_sink* error) {
  if (!tocsin_kept(self, request->endpoint)) return tocsin_fail(error, "there is no such endpoint");
  tocsin_report_stage(self, request->run, "greet", 1, "OK", "a robot is there");
  tocsin_report_stage(self, request->run, "ask", 0, "NO_ROBOT", "it did not answer");
  tocsin_end_diagnosis(self, request->run);
  return TOCSIN_OK;
}

static const tocsin_c_extension extensions[] = {TOCSIN_C_SOURCE(open_source, close_source, published),
                                                TOCSIN_C_TIMER(fired),
                                                TOCSIN_C_HTTP_ROUTE(call),
                                                TOCSIN_C_HEALTH(check_health),
                                                TOCSIN_C_CONFIG(check_settings, migrate),
                                                TOCSIN_C_CHANNEL(open_endpoint, close_endpoint, deliver, cancel),
                                                TOCSIN_C_DOCTOR(diagnose)};
TOCSIN_C_PLUGIN(extensions, start, stop)
