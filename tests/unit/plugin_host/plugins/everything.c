/* A test plugin with every extension that the host calls: channel, doctor, preset, source and timer. */
#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/preset.h>
#include <tocsin/abi/ext/source.h>

#include <string.h>

#define TEXT(LITERAL) ((tocsin_string){LITERAL, sizeof(LITERAL) - 1})

static const tocsin_host* host;
static const tocsin_host_log* logs;
static const tocsin_host_complete* completes;
static const tocsin_host_doctor* doctors;
static const tocsin_host_publish* publishes;
static const tocsin_host_timer* timers;
static tocsin_plugin self;
static uint64_t last_token = 0;

static int equal(tocsin_string a, const char* b) { return a.size == strlen(b) && memcmp(a.data, b, a.size) == 0; }

static int has(tocsin_string text, const char* part) {
  const size_t size = strlen(part);
  for (uint64_t at = 0; at + size <= text.size; ++at)
    if (memcmp(text.data + at, part, size) == 0) return 1;
  return 0;
}

static void write_text(const tocsin_sink* sink, tocsin_string text) {
  sink->write(sink->context, (tocsin_bytes){(const uint8_t*)text.data, text.size});
}

static void say(const char* what, tocsin_string value) {
  const tocsin_field field = {TEXT("value"), value};
  logs->write(host->context, TOCSIN_LOG_INFO, (tocsin_string){what, strlen(what)}, &field, 1);
}

/* channel */
static tocsin_status channel_open(void* object, const tocsin_endpoint* endpoint, tocsin_endpoint_info* info,
                                  const tocsin_sink* error) {
  (void)object;
  say("test endpoint", endpoint->pool);
  if (has(endpoint->settings, "\"refuse\"")) {
    write_text(error, TEXT("host must not be refuse"));
    return TOCSIN_FAILED;
  }
  info->token.index = ++last_token;
  info->token.generation = 1;
  info->slots = 4;
  return TOCSIN_OK;
}

static void channel_close(void* object, tocsin_token endpoint) {
  (void)object;
  (void)endpoint;
  say("test endpoint closed", TEXT(""));
}

static void channel_deliver(void* object, const tocsin_message* const* messages, uint64_t count) {
  (void)object;
  for (uint64_t index = 0; index < count; ++index) {
    if (equal(messages[index]->recipient, "keep")) continue;
    tocsin_outcome outcome;
    memset(&outcome, 0, sizeof(outcome));
    outcome.struct_size = sizeof(outcome);
    outcome.outcome_class = TOCSIN_CLASS_DELIVERED;
    outcome.delivery = messages[index]->delivery;
    outcome.code = TEXT("OK");
    outcome.retry_after_ms = -1;
    outcome.detail = messages[index]->subject;
    outcome.server_reply = messages[index]->event ? messages[index]->event->type : TEXT("");
    const tocsin_outcome* outcomes[] = {&outcome};
    completes->complete(host->context, outcomes, 1);
  }
}

static void channel_cancel(void* object, const tocsin_token* deliveries, uint64_t count) {
  (void)object;
  for (uint64_t index = 0; index < count; ++index) {
    tocsin_outcome outcome;
    memset(&outcome, 0, sizeof(outcome));
    outcome.struct_size = sizeof(outcome);
    outcome.outcome_class = TOCSIN_CLASS_RETURNED;
    outcome.delivery = deliveries[index];
    const tocsin_outcome* outcomes[] = {&outcome};
    completes->complete(host->context, outcomes, 1);
  }
}

static const tocsin_channel channel = {sizeof(tocsin_channel), 0, channel_open, channel_close, channel_deliver,
                                       channel_cancel};

/* doctor: "one" is good, "two" is bad for the recipient "bad", and for "hang" nothing more comes */
static void report(tocsin_token run, tocsin_string name, uint32_t ok, tocsin_string code) {
  tocsin_stage stage;
  memset(&stage, 0, sizeof(stage));
  stage.struct_size = sizeof(stage);
  stage.ok = ok;
  stage.stage = name;
  stage.code = code;
  stage.duration_ms = 3;
  doctors->stage(host->context, run, &stage);
}

static tocsin_status diagnose(void* object, const tocsin_diagnosis* request, const tocsin_sink* error) {
  (void)object;
  if (equal(request->recipient, "refuse")) {
    write_text(error, TEXT("no diagnosis today"));
    return TOCSIN_FAILED;
  }
  if (equal(request->recipient, "settings")) report(request->run, TEXT("settings"), 1, TEXT("OK"));
  report(request->run, TEXT("one"), 1, TEXT("OK"));
  if (equal(request->recipient, "hang")) return TOCSIN_OK;
  if (equal(request->recipient, "bad")) {
    report(request->run, TEXT("two"), 0, TEXT("TWO_BAD"));
    report(request->run, TEXT("three"), 1, TEXT("OK"));
  } else {
    report(request->run, TEXT("two"), 1, TEXT("OK"));
    if (request->message) report(request->run, TEXT("three"), 1, request->message->message_id);
  }
  doctors->done(host->context, request->run);
  doctors->done(host->context, request->run);
  return TOCSIN_OK;
}

static const tocsin_doctor doctor = {sizeof(tocsin_doctor), 0, diagnose};

/* preset */
static void check(void* object, const tocsin_endpoint* endpoint, const tocsin_finding_report* to) {
  (void)object;
  if (!has(endpoint->settings, "\"bad\"")) return;
  const tocsin_finding finding = {sizeof(finding), 1, TEXT("host"), TEXT("SETTINGS_INVALID"), TEXT("It is bad.")};
  to->finding(to->context, &finding);
}

static const tocsin_preset preset = {sizeof(tocsin_preset), 0, check};

/* source: asks for what it remembers, tries to publish too early, and starts a timer of one second that publishes */
static tocsin_token opened;

static tocsin_status publish_opened(const tocsin_sink* error) {
  tocsin_event event;
  memset(&event, 0, sizeof(event));
  event.struct_size = sizeof(event);
  event.id = TEXT("opened");
  event.source = TEXT("/test");
  event.type = TEXT("test.opened");
  event.time_ms = TOCSIN_NO_TIME;
  event.expires_ms = TOCSIN_NO_TIME;
  const tocsin_event* events[] = {&event};
  const tocsin_field memory = {TEXT("step"), TEXT("30")};
  return publishes->publish(host->context, opened, 17, events, 1, &memory, 1, error);
}

static tocsin_status remembered(void* context, tocsin_bytes data) {
  (void)context;
  say("test remembered", (tocsin_string){(const char*)data.data, data.size});
  return TOCSIN_OK;
}

static tocsin_status source_open(void* object, const tocsin_source_config* config, tocsin_token* source,
                                 const tocsin_sink* error) {
  (void)object;
  if (has(config->settings, "\"refuse\"")) {
    write_text(error, TEXT("path must not be refuse"));
    return TOCSIN_FAILED;
  }
  source->index = has(config->settings, "\"taken\"") ? opened.index : ++last_token;
  source->generation = 1;
  if (has(config->settings, "\"nameless\"")) memset(source, 0, sizeof(*source));
  opened = *source;
  const tocsin_sink value = {sizeof(tocsin_sink), 0, 0, remembered};
  publishes->recall(host->context, *source, TEXT("step"), &value);
  if (publish_opened(error) == TOCSIN_UNAVAILABLE) say("test too early", TEXT(""));
  timers->start(host->context, 7, 1000);
  return TOCSIN_OK;
}

static void source_close(void* object, tocsin_token source) {
  (void)object;
  (void)source;
  say("test source closed", TEXT(""));
}

static void published(void* object, tocsin_token source, uint64_t ticket, const tocsin_publish_result* result) {
  (void)object;
  (void)source;
  say(ticket == 17 && result->status == TOCSIN_OK ? "test published" : "test refused", result->reason);
}

static const tocsin_source source_table = {sizeof(tocsin_source), 0, source_open, source_close, published};

static void fired(void* object, uint64_t id) {
  (void)object;
  if (id == 7) publish_opened(0);
  say(id == 7 ? "test fired" : "test fired wrongly", TEXT(""));
}

static const tocsin_timer timer = {sizeof(tocsin_timer), 0, fired};

/* plugin */
static const void* get_extension(void* object, tocsin_string id) {
  (void)object;
  if (equal(id, TOCSIN_EXT_CHANNEL)) return &channel;
  if (equal(id, TOCSIN_EXT_DOCTOR)) return &doctor;
  if (equal(id, TOCSIN_EXT_PRESET)) return &preset;
  if (equal(id, TOCSIN_EXT_SOURCE)) return &source_table;
  if (equal(id, TOCSIN_EXT_TIMER)) return &timer;
  return 0;
}

static tocsin_status start(void* object, const tocsin_sink* error) {
  (void)object;
  (void)error;
  return TOCSIN_OK;
}

static void stop(void* object) { (void)object; }
static void destroy(void* object) { (void)object; }

static tocsin_status create(const tocsin_host* given, const tocsin_plugin** plugin, const tocsin_sink* error) {
  (void)error;
  host = given;
  logs = host->get_extension(host->context, TEXT(TOCSIN_HOST_LOG));
  completes = host->get_extension(host->context, TEXT(TOCSIN_HOST_COMPLETE));
  doctors = host->get_extension(host->context, TEXT(TOCSIN_HOST_DOCTOR));
  publishes = host->get_extension(host->context, TEXT(TOCSIN_HOST_PUBLISH));
  timers = host->get_extension(host->context, TEXT(TOCSIN_HOST_TIMER));
  self = (tocsin_plugin){sizeof(self), 0, 0, get_extension, start, stop, destroy};
  *plugin = &self;
  return TOCSIN_OK;
}

TOCSIN_EXPORT const tocsin_entry* tocsin_plugin_entry_v1(void) {
  static const tocsin_entry entry = {sizeof(tocsin_entry),
                                     TOCSIN_ABI_VERSION,
                                     {TOCSIN_PLUGIN_ID, sizeof(TOCSIN_PLUGIN_ID) - 1},
                                     {TOCSIN_PLUGIN_VERSION, sizeof(TOCSIN_PLUGIN_VERSION) - 1},
                                     create};
  return &entry;
}
