/* SPDX-License-Identifier: Apache-2.0 */
/* Help for plugins in plain C: the entry and the life cycle by one macro, endpoints and sources by token, settings,
 * outcomes and the log in one line each. Optional: the ABI's headers (tocsin/abi) are all that a plugin needs.
 *
 *   static const tocsin_c_extension extensions[] = {TOCSIN_C_CHANNEL(open_endpoint, close_endpoint, deliver, cancel)};
 *   TOCSIN_C_PLUGIN(extensions, NULL, NULL)
 *
 * The `self` of every call is then a tocsin_c_plugin*. Other extensions have a header of their own beside this one. */
#ifndef TOCSIN_C_PLUGIN_H
#define TOCSIN_C_PLUGIN_H

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/metrics.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/services.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/ext/subscriber.h>
#include <tocsin/abi/host.h>
#include <tocsin/abi/plugin.h>
#include <tocsin/c/json.h>

#include <stdlib.h>
#include <string.h>
#if defined(_WIN32)
#include <windows.h>
typedef SRWLOCK tocsin_c_mutex;
#define TOCSIN_C_MUTEX_INIT(MUTEX) InitializeSRWLock(MUTEX)
#define TOCSIN_C_MUTEX_LOCK(MUTEX) AcquireSRWLockExclusive(MUTEX)
#define TOCSIN_C_MUTEX_UNLOCK(MUTEX) ReleaseSRWLockExclusive(MUTEX)
#define TOCSIN_C_MUTEX_DESTROY(MUTEX) (void)(MUTEX)
#else
#include <pthread.h>
typedef pthread_mutex_t tocsin_c_mutex;
#define TOCSIN_C_MUTEX_INIT(MUTEX) (void)pthread_mutex_init(MUTEX, NULL)
#define TOCSIN_C_MUTEX_LOCK(MUTEX) (void)pthread_mutex_lock(MUTEX)
#define TOCSIN_C_MUTEX_UNLOCK(MUTEX) (void)pthread_mutex_unlock(MUTEX)
#define TOCSIN_C_MUTEX_DESTROY(MUTEX) (void)pthread_mutex_destroy(MUTEX)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sinks ---- */

/* Write to a sink of the host's; it may be null. */
static inline tocsin_status tocsin_write(const tocsin_sink* sink, tocsin_string text) {
  tocsin_bytes bytes;
  if (sink == NULL || !TOCSIN_HAS_FIELD(tocsin_sink, sink, write) || sink->write == NULL) return TOCSIN_UNSUPPORTED;
  bytes.data = (const uint8_t*)text.data;
  bytes.size = text.size;
  return sink->write(sink->context, bytes);
}

/* Say why, and answer TOCSIN_FAILED: return tocsin_fail(error, "path is empty"); */
static inline tocsin_status tocsin_fail(const tocsin_sink* error, const char* reason) {
  tocsin_write(error, tocsin_text(reason));
  return TOCSIN_FAILED;
}

/* ---- The plugin ---- */

typedef struct tocsin_c_extension {
  const char* id;
  const void* table;
} tocsin_c_extension;

/* One of the plugin's extensions by its functions, in the order of its table; every one of them is set. In C alone: C++
 * has no such literals, and has tocsin/sdk. */
#define TOCSIN_C_EXTENSION(ID, TYPE, ...)              \
  {                                                    \
    ID, &(const TYPE) { sizeof(TYPE), 0, __VA_ARGS__ } \
  }
#define TOCSIN_C_CHANNEL(OPEN, CLOSE, DELIVER, CANCEL) \
  TOCSIN_C_EXTENSION(TOCSIN_EXT_CHANNEL, tocsin_channel, OPEN, CLOSE, DELIVER, CANCEL)
#define TOCSIN_C_SOURCE(OPEN, CLOSE, PUBLISHED) \
  TOCSIN_C_EXTENSION(TOCSIN_EXT_SOURCE, tocsin_source, OPEN, CLOSE, PUBLISHED)
#define TOCSIN_C_TIMER(FIRED) TOCSIN_C_EXTENSION(TOCSIN_EXT_TIMER, tocsin_timer, FIRED)
#define TOCSIN_C_SUBSCRIBER(OPEN, CLOSE, EVENTS) \
  TOCSIN_C_EXTENSION(TOCSIN_EXT_SUBSCRIBER, tocsin_subscriber, OPEN, CLOSE, EVENTS)
#define TOCSIN_C_SECRETS(OPEN, CLOSE, FETCH) \
  TOCSIN_C_EXTENSION(TOCSIN_EXT_SECRETS, tocsin_secret_store, OPEN, CLOSE, FETCH)

#define TOCSIN_C_MAX_KEPT 256

/* What one token of the plugin's names. */
typedef struct tocsin_c_slot {
  uint64_t generation; /* odd while in use */
  void* object;
} tocsin_c_slot;

typedef struct tocsin_c_plugin tocsin_c_plugin;
struct tocsin_c_plugin {
  tocsin_plugin table;
  const tocsin_host* host;
  void* state;          /* yours: make it in start, free it in stop */
  tocsin_c_mutex mutex; /* yours, for what several calls touch */
  const tocsin_c_extension* extensions;
  size_t extension_count;
  tocsin_status (*start)(tocsin_c_plugin* plugin, const tocsin_sink* error);
  void (*stop)(tocsin_c_plugin* plugin);
  const tocsin_host_metrics* metrics; /* looked up once; null: this host has none */
  tocsin_c_slot kept[TOCSIN_C_MAX_KEPT];
};

static inline void tocsin_lock(void* self) { TOCSIN_C_MUTEX_LOCK(&((tocsin_c_plugin*)self)->mutex); }
static inline void tocsin_unlock(void* self) { TOCSIN_C_MUTEX_UNLOCK(&((tocsin_c_plugin*)self)->mutex); }

/* An extension of the host's (TOCSIN_HOST_...), or null. */
static inline const void* tocsin_find(void* self, const char* id) {
  const tocsin_host* host = ((tocsin_c_plugin*)self)->host;
  return host->get_extension(host->context, tocsin_text(id));
}

/* The first argument of every function of the host's extensions. */
static inline void* tocsin_context(void* self) { return ((tocsin_c_plugin*)self)->host->context; }

/* True if the host's table is there and has this function: a host may be older than this SDK. */
#define TOCSIN_C_OFFERS(TYPE, TABLE, FUNCTION) \
  ((TABLE) != NULL && TOCSIN_HAS_FIELD(TYPE, TABLE, FUNCTION) && (TABLE)->FUNCTION != NULL)

/* Keep a copy of an object of `size` bytes for the host, and name it. Its address stays the same until it is dropped.
 * Calls of tocsin_keep() and tocsin_drop() come one at a time, as [control] calls do. */
static inline tocsin_status tocsin_keep(void* self, const void* object, size_t size, tocsin_token* token) {
  tocsin_c_plugin* plugin = (tocsin_c_plugin*)self;
  size_t index;
  for (index = 0; index < TOCSIN_C_MAX_KEPT; ++index) {
    tocsin_c_slot* slot = &plugin->kept[index];
    if (slot->generation % 2 == 1) continue;
    slot->object = malloc(size == 0 ? 1 : size);
    if (slot->object == NULL) return TOCSIN_NO_MEMORY;
    memcpy(slot->object, object, size);
    ++slot->generation;
    token->index = index;
    token->generation = slot->generation;
    return TOCSIN_OK;
  }
  return TOCSIN_UNAVAILABLE;
}

/* The object that a token names, or null. */
static inline void* tocsin_kept(void* self, tocsin_token token) {
  tocsin_c_slot* slot;
  if (token.index >= TOCSIN_C_MAX_KEPT || token.generation % 2 == 0) return NULL;
  slot = &((tocsin_c_plugin*)self)->kept[token.index];
  return slot->generation == token.generation ? slot->object : NULL;
}

/* The token in use at an index, for example of a timer that bears it as its number; {0, 0}: none. */
static inline tocsin_token tocsin_kept_at(void* self, uint64_t index) {
  tocsin_token token = {0, 0};
  if (index < TOCSIN_C_MAX_KEPT && ((tocsin_c_plugin*)self)->kept[index].generation % 2 == 1) {
    token.index = index;
    token.generation = ((tocsin_c_plugin*)self)->kept[index].generation;
  }
  return token;
}

static inline void tocsin_drop(void* self, tocsin_token token) {
  void* object = tocsin_kept(self, token);
  if (object == NULL) return;
  ++((tocsin_c_plugin*)self)->kept[token.index].generation;
  ((tocsin_c_plugin*)self)->kept[token.index].object = NULL;
  free(object);
}

/* One line in the host's log. */
static inline void tocsin_log(void* self, tocsin_log_level level, const char* text) {
  const tocsin_host_log* log = (const tocsin_host_log*)tocsin_find(self, TOCSIN_HOST_LOG);
  if (TOCSIN_C_OFFERS(tocsin_host_log, log, write)) log->write(tocsin_context(self), level, tocsin_text(text), NULL, 0);
}

/* Hand in what a delivery came to; exactly once for each. */
static inline void tocsin_complete(void* self, tocsin_token delivery, tocsin_outcome_class outcome_class,
                                   const char* code, const char* detail) {
  const tocsin_host_complete* host = (const tocsin_host_complete*)tocsin_find(self, TOCSIN_HOST_COMPLETE);
  tocsin_outcome outcome;
  const tocsin_outcome* all = &outcome;
  if (!TOCSIN_C_OFFERS(tocsin_host_complete, host, complete)) return;
  memset(&outcome, 0, sizeof(outcome));
  outcome.struct_size = sizeof(outcome);
  outcome.outcome_class = outcome_class;
  outcome.delivery = delivery;
  outcome.code = tocsin_text(code);
  outcome.retry_after_ms = -1;
  outcome.detail = tocsin_text(detail);
  host->complete(tocsin_context(self), &all, 1);
}

/* Answer a request for a secret, exactly once; TOCSIN_OK with the value, which may be used until the settings are
 * loaded again, anything else with the reason. */
static inline void tocsin_answer_secret(void* self, tocsin_token request, tocsin_status status, const char* value,
                                        const char* reason) {
  const tocsin_host_secret_answer* host =
      (const tocsin_host_secret_answer*)tocsin_find(self, TOCSIN_HOST_SECRET_ANSWER);
  tocsin_secret_answer answer;
  if (!TOCSIN_C_OFFERS(tocsin_host_secret_answer, host, answer)) return;
  memset(&answer, 0, sizeof(answer));
  answer.struct_size = sizeof(answer);
  answer.status = status;
  answer.value.data = (const uint8_t*)value;
  answer.value.size = strlen(value);
  answer.valid_ms = -1;
  answer.reason = tocsin_text(reason);
  host->answer(tocsin_context(self), request, &answer);
}

/* Have fired(id) of tocsin.timer/1 called once, delay_ms from now. 0: this host has no timers. */
static inline int tocsin_start_timer(void* self, uint64_t id, uint64_t delay_ms) {
  const tocsin_host_timer* timer = (const tocsin_host_timer*)tocsin_find(self, TOCSIN_HOST_TIMER);
  if (!TOCSIN_C_OFFERS(tocsin_host_timer, timer, start)) return 0;
  timer->start(tocsin_context(self), id, delay_ms);
  return 1;
}

/* A call that is already under way is not stopped. */
static inline void tocsin_cancel_timer(void* self, uint64_t id) {
  const tocsin_host_timer* timer = (const tocsin_host_timer*)tocsin_find(self, TOCSIN_HOST_TIMER);
  if (TOCSIN_C_OFFERS(tocsin_host_timer, timer, cancel)) timer->cancel(tocsin_context(self), id);
}

/* An event without any attribute, at the host's present time. Set id, source and type. */
static inline tocsin_event tocsin_new_event(void* self) {
  const tocsin_host_clock* clock = (const tocsin_host_clock*)tocsin_find(self, TOCSIN_HOST_CLOCK);
  tocsin_event event;
  memset(&event, 0, sizeof(event));
  event.struct_size = sizeof(event);
  event.time_ms =
      TOCSIN_C_OFFERS(tocsin_host_clock, clock, now_ms) ? clock->now_ms(tocsin_context(self)) : TOCSIN_NO_TIME;
  event.expires_ms = TOCSIN_NO_TIME;
  return event;
}

typedef struct tocsin_c_buffer {
  char* data;
  size_t size;
  size_t used;
} tocsin_c_buffer;

static inline tocsin_status tocsin_c_append(void* context, tocsin_bytes data) {
  tocsin_c_buffer* buffer = (tocsin_c_buffer*)context;
  if (data.size >= buffer->size - buffer->used) return TOCSIN_NO_MEMORY;
  if (data.size > 0) memcpy(buffer->data + buffer->used, data.data, (size_t)data.size);
  buffer->used += (size_t)data.size;
  return TOCSIN_OK;
}

static inline tocsin_sink tocsin_c_sink(tocsin_c_buffer* buffer) {
  tocsin_sink sink;
  memset(&sink, 0, sizeof(sink));
  sink.struct_size = sizeof(sink);
  sink.context = buffer;
  sink.write = tocsin_c_append;
  return sink;
}

/* Hand in one event, and one text to remember with it, as one commit; event NULL: the text alone. Where the host takes
 * none of it for good, the log says why. TOCSIN_UNAVAILABLE: not now; try again after the next published(). */
static inline tocsin_status tocsin_publish(void* self, tocsin_token source, uint64_t ticket, const tocsin_event* event,
                                           const char* name, const char* value) {
  const tocsin_host_publish* host = (const tocsin_host_publish*)tocsin_find(self, TOCSIN_HOST_PUBLISH);
  char why[256] = "";
  tocsin_c_buffer buffer = {why, sizeof(why) - 1, 0};
  const tocsin_sink error = tocsin_c_sink(&buffer);
  tocsin_field memory;
  tocsin_status status;
  if (!TOCSIN_C_OFFERS(tocsin_host_publish, host, publish)) return TOCSIN_UNSUPPORTED;
  memory.name = tocsin_text(name);
  memory.value = tocsin_text(value);
  status = host->publish(tocsin_context(self), source, ticket, &event, event == NULL ? 0 : 1, &memory, 1, &error);
  if (status == TOCSIN_INVALID) tocsin_log(self, TOCSIN_LOG_ERROR, why[0] ? why : "the host refused an event");
  return status;
}

/* What the source remembered under name, with a zero byte at its end; empty if it never did. */
static inline tocsin_status tocsin_recall(void* self, tocsin_token source, const char* name, char* out, size_t size) {
  const tocsin_host_publish* host = (const tocsin_host_publish*)tocsin_find(self, TOCSIN_HOST_PUBLISH);
  tocsin_c_buffer buffer = {out, size, 0};
  const tocsin_sink value = tocsin_c_sink(&buffer);
  const tocsin_status status = TOCSIN_C_OFFERS(tocsin_host_publish, host, recall)
                                   ? host->recall(tocsin_context(self), source, tocsin_text(name), &value)
                                   : TOCSIN_UNSUPPORTED;
  out[buffer.used] = '\0';
  return status;
}

/* The present value of the secret that a setting names, with a zero byte at its end. Do not keep it longer than needed.
 * Its length, or -1: it is not set, has a zero byte in it, is too long or cannot be read, for which the log says why.
 */
static inline int tocsin_reveal(void* self, tocsin_string settings, const char* key, char* out, size_t size) {
  const tocsin_host_secrets* host = (const tocsin_host_secrets*)tocsin_find(self, TOCSIN_HOST_SECRETS);
  const int64_t handle = tocsin_json_integer(tocsin_json_find(settings, key), "secret", -1);
  char why[256] = "";
  tocsin_c_buffer reason = {why, sizeof(why) - 1, 0};
  tocsin_c_buffer buffer = {out, size, 0};
  const tocsin_sink error = tocsin_c_sink(&reason);
  const tocsin_sink value = tocsin_c_sink(&buffer);
  tocsin_status status;
  if (size == 0) return -1;
  memset(out, 0, size);
  if (handle < 0 || !TOCSIN_C_OFFERS(tocsin_host_secrets, host, reveal)) return -1;
  status = host->reveal(tocsin_context(self), (uint64_t)handle, &value, &error);
  if (status == TOCSIN_OK && strlen(out) == buffer.used) return (int)buffer.used;
  if (why[0] != '\0') tocsin_log(self, TOCSIN_LOG_ERROR, why);
  memset(out, 0, size);
  return -1;
}

/* A service of another plugin's that the manifest's "requires" names; call it in start(). 0: it is not there. */
static inline int tocsin_find_service(void* self, const char* id, tocsin_service* service) {
  const tocsin_host_services* host = (const tocsin_host_services*)tocsin_find(self, TOCSIN_HOST_SERVICES);
  memset(service, 0, sizeof(*service));
  service->struct_size = sizeof(*service);
  if (!TOCSIN_C_OFFERS(tocsin_host_services, host, find)) return 0;
  return host->find(tocsin_context(self), tocsin_text(id), service) == TOCSIN_OK;
}

/* For a channel that completes everything within deliver(), and a source that need not know what became of an event. */
static inline void tocsin_ignore_cancel(void* self, const tocsin_token* deliveries, uint64_t count) {
  (void)self;
  (void)deliveries;
  (void)count;
}
static inline void tocsin_ignore_published(void* self, tocsin_token source, uint64_t ticket,
                                           const tocsin_publish_result* result) {
  (void)self;
  (void)source;
  (void)ticket;
  (void)result;
}

/* ---- What TOCSIN_C_PLUGIN is made of ---- */

static inline const void* tocsin_c_get_extension(void* self, tocsin_string id) {
  const tocsin_c_plugin* plugin = (const tocsin_c_plugin*)self;
  size_t index;
  for (index = 0; index < plugin->extension_count; ++index) {
    if (tocsin_equal(id, plugin->extensions[index].id)) return plugin->extensions[index].table;
  }
  return NULL;
}

static inline tocsin_status tocsin_c_start(void* self, const tocsin_sink* error) {
  tocsin_c_plugin* plugin = (tocsin_c_plugin*)self;
  return plugin->start == NULL ? TOCSIN_OK : plugin->start(plugin, error);
}

static inline void tocsin_c_stop(void* self) {
  tocsin_c_plugin* plugin = (tocsin_c_plugin*)self;
  uint64_t index;
  if (plugin->stop != NULL) plugin->stop(plugin);
  for (index = 0; index < TOCSIN_C_MAX_KEPT; ++index) tocsin_drop(self, tocsin_kept_at(self, index));
}

static inline void tocsin_c_destroy(void* self) {
  TOCSIN_C_MUTEX_DESTROY(&((tocsin_c_plugin*)self)->mutex);
  free(self);
}

static inline tocsin_status tocsin_c_create(const tocsin_host* host, const tocsin_plugin** made,
                                            const tocsin_sink* error, const tocsin_c_extension* extensions,
                                            size_t extension_count,
                                            tocsin_status (*start)(tocsin_c_plugin* plugin, const tocsin_sink* error),
                                            void (*stop)(tocsin_c_plugin* plugin)) {
  tocsin_c_plugin* plugin;
  if (host == NULL || made == NULL || !TOCSIN_HAS_FIELD(tocsin_host, host, get_extension) ||
      host->get_extension == NULL) {
    tocsin_write(error, tocsin_text("create() without a usable tocsin_host"));
    return TOCSIN_INVALID;
  }
  plugin = (tocsin_c_plugin*)calloc(1, sizeof(tocsin_c_plugin));
  if (plugin == NULL) {
    tocsin_write(error, tocsin_text("out of memory"));
    return TOCSIN_NO_MEMORY;
  }
  TOCSIN_C_MUTEX_INIT(&plugin->mutex);
  plugin->host = host;
  plugin->metrics = (const tocsin_host_metrics*)tocsin_find(plugin, TOCSIN_HOST_METRICS);
  plugin->extensions = extensions;
  plugin->extension_count = extension_count;
  plugin->start = start;
  plugin->stop = stop;
  plugin->table.struct_size = sizeof(tocsin_plugin);
  plugin->table.self = plugin;
  plugin->table.get_extension = tocsin_c_get_extension;
  plugin->table.start = tocsin_c_start;
  plugin->table.stop = tocsin_c_stop;
  plugin->table.destroy = tocsin_c_destroy;
  *made = &plugin->table;
  return TOCSIN_OK;
}

/* Once in a plugin's library. EXTENSIONS: an array of tocsin_c_extension, one for each id of the manifest's "provides".
 * START and STOP: functions for the plugin's start() and stop(), or NULL. TOCSIN_PLUGIN_ID and TOCSIN_PLUGIN_VERSION
 * are the manifest's, as tocsin_add_plugin() gives them. */
#define TOCSIN_C_PLUGIN(EXTENSIONS, START, STOP)                                                                 \
  static tocsin_status tocsin_c_create_this(const tocsin_host* host, const tocsin_plugin** plugin,               \
                                            const tocsin_sink* error) {                                          \
    return tocsin_c_create(host, plugin, error, EXTENSIONS, sizeof(EXTENSIONS) / sizeof((EXTENSIONS)[0]), START, \
                           STOP);                                                                                \
  }                                                                                                              \
  TOCSIN_EXPORT const tocsin_entry* tocsin_plugin_entry_v1(void) {                                               \
    static const tocsin_entry entry = {sizeof(tocsin_entry),                                                     \
                                       TOCSIN_ABI_VERSION,                                                       \
                                       {TOCSIN_PLUGIN_ID, sizeof(TOCSIN_PLUGIN_ID) - 1},                         \
                                       {TOCSIN_PLUGIN_VERSION, sizeof(TOCSIN_PLUGIN_VERSION) - 1},               \
                                       tocsin_c_create_this};                                                    \
    return &entry;                                                                                               \
  }

#ifdef __cplusplus
}
#endif

#endif
