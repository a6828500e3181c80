/* SPDX-License-Identifier: Apache-2.0 */
/* Help for plugins in plain C: the entry and the life cycle by one macro, endpoints and sources by token, settings,
 * outcomes and the log in one line each. Optional: the ABI's headers (tocsin/abi) are all that a plugin needs.
 *
 *   static const tocsin_c_extension extensions[] = {{TOCSIN_EXT_CHANNEL, &channel}};
 *   TOCSIN_C_PLUGIN(extensions, NULL, NULL)
 *
 * The `self` of every call is then a tocsin_c_plugin*. */
#ifndef TOCSIN_C_PLUGIN_H
#define TOCSIN_C_PLUGIN_H

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/host.h>
#include <tocsin/abi/plugin.h>

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

/* ---- Text and settings ---- */

/* Text that ends in a zero byte, as the interface has it. */
static inline tocsin_string tocsin_text(const char* text) {
  tocsin_string made;
  made.data = text;
  made.size = strlen(text);
  return made;
}

static inline int tocsin_equal(tocsin_string text, const char* other) {
  return text.size == strlen(other) && (text.size == 0 || memcmp(text.data, other, (size_t)text.size) == 0);
}

/* For printf's "%.*s". */
#define TOCSIN_PRINT(STRING) (int)(STRING).size, (STRING).size ? (STRING).data : ""

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

static inline const char* tocsin_json_space(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) ++at;
  return at;
}

/* The end of the JSON value that begins at `at`, or null. The host's text is JSON; other text is safe to read. */
static inline const char* tocsin_json_skip(const char* at, const char* end, int depth) {
  if (at >= end || depth > 64) return NULL;
  if (*at == '"') {
    for (++at; at < end; ++at) {
      if (*at == '"') return at + 1;
      if (*at == '\\') ++at;
    }
    return NULL;
  }
  if (*at == '{' || *at == '[') {
    const char closing = *at == '{' ? '}' : ']';
    at = tocsin_json_space(at + 1, end);
    while (at < end && *at != closing) {
      at = tocsin_json_skip(at, end, depth + 1);
      if (at == NULL) return NULL;
      at = tocsin_json_space(at, end);
      if (at < end && (*at == ',' || *at == ':')) at = tocsin_json_space(at + 1, end);
    }
    return at < end ? at + 1 : NULL;
  }
  {
    const char* const begin = at;
    while (at < end && strchr(",:]} \t\r\n", *at) == NULL) ++at;
    return at > begin ? at : NULL;
  }
}

/* The value of a member of an object, as JSON; empty: there is none. For a member of a member, call it twice. */
static inline tocsin_string tocsin_json_find(tocsin_string object, const char* key) {
  tocsin_string none = {NULL, 0};
  const char* at = object.data;
  const char* const end = object.size == 0 ? object.data : object.data + object.size;
  at = tocsin_json_space(at, end);
  if (at >= end || *at != '{') return none;
  at = tocsin_json_space(at + 1, end);
  while (at < end && *at == '"') {
    tocsin_string name;
    tocsin_string value;
    const char* after = tocsin_json_skip(at, end, 0);
    if (after == NULL) return none;
    name.data = at + 1;
    name.size = (uint64_t)(after - at - 2);
    at = tocsin_json_space(after, end);
    if (at >= end || *at != ':') return none;
    at = tocsin_json_space(at + 1, end);
    after = tocsin_json_skip(at, end, 0);
    if (after == NULL) return none;
    value.data = at;
    value.size = (uint64_t)(after - at);
    if (tocsin_equal(name, key)) return value;
    at = tocsin_json_space(after, end);
    if (at < end && *at == ',') at = tocsin_json_space(at + 1, end);
  }
  return none;
}

static inline int tocsin_json_hex(const char* at, const char* end, uint32_t* unit) {
  int i;
  *unit = 0;
  if (end - at < 4) return 0;
  for (i = 0; i < 4; ++i) {
    const char* const digits = "0123456789abcdef0123456789ABCDEF";
    const char* found = at[i] ? strchr(digits, at[i]) : NULL;
    if (found == NULL) return 0;
    *unit = *unit * 16 + (uint32_t)((found - digits) % 16);
  }
  return 1;
}

static inline int tocsin_json_utf8(uint32_t point, char* out) {
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  if (point < 0x800) {
    out[0] = (char)(0xc0 | (point >> 6));
    out[1] = (char)(0x80 | (point & 0x3f));
    return 2;
  }
  if (point < 0x10000) {
    out[0] = (char)(0xe0 | (point >> 12));
    out[1] = (char)(0x80 | ((point >> 6) & 0x3f));
    out[2] = (char)(0x80 | (point & 0x3f));
    return 3;
  }
  out[0] = (char)(0xf0 | (point >> 18));
  out[1] = (char)(0x80 | ((point >> 12) & 0x3f));
  out[2] = (char)(0x80 | ((point >> 6) & 0x3f));
  out[3] = (char)(0x80 | (point & 0x3f));
  return 4;
}

/* Copy a text member to `out`, of `size` bytes, with a zero byte at its end. Its length, or -1: it is not there, is no
 * text, has a zero byte in it or is too long. */
static inline int tocsin_json_text(tocsin_string object, const char* key, char* out, size_t size) {
  const tocsin_string value = tocsin_json_find(object, key);
  const char* at = value.data;
  const char* end;
  size_t used = 0;
  if (value.size < 2 || *at != '"') return -1;
  end = at + value.size - 1;
  for (++at; at < end; ++at) {
    char piece[4];
    int length = 1;
    piece[0] = *at;
    if (*at == '\\') {
      static const char names[] = "bfnrt";
      static const char meanings[] = "\b\f\n\r\t";
      const char* known;
      if (++at >= end) return -1;
      known = *at ? strchr(names, *at) : NULL;
      piece[0] = known != NULL ? meanings[known - names] : *at;
      if (*at == 'u') {
        uint32_t point;
        uint32_t low;
        if (!tocsin_json_hex(at + 1, end, &point)) return -1;
        at += 4;
        if (point >= 0xd800 && point < 0xdc00 && end - at > 6 && at[1] == '\\' && at[2] == 'u' &&
            tocsin_json_hex(at + 3, end, &low) && low >= 0xdc00 && low < 0xe000) {
          point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
          at += 6;
        }
        length = tocsin_json_utf8(point, piece);
      }
    }
    if (piece[0] == '\0' || used + (size_t)length >= size) return -1;
    memcpy(out + used, piece, (size_t)length);
    used += (size_t)length;
  }
  if (size == 0) return -1;
  out[used] = '\0';
  return (int)used;
}

/* A whole number, or `otherwise` where the member is not there or is none. */
static inline int64_t tocsin_json_integer(tocsin_string object, const char* key, int64_t otherwise) {
  const tocsin_string value = tocsin_json_find(object, key);
  char digits[24];
  char* end;
  int64_t number;
  if (value.size == 0 || value.size >= sizeof(digits)) return otherwise;
  memcpy(digits, value.data, (size_t)value.size);
  digits[value.size] = '\0';
  number = (int64_t)strtoll(digits, &end, 10);
  return *end == '\0' ? number : otherwise;
}

/* ---- The plugin ---- */

typedef struct tocsin_c_extension {
  const char* id;
  const void* table;
} tocsin_c_extension;

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

/* Hand in one event, and one text to remember with it, as one commit; event NULL: the text alone. Where the host takes
 * none of it for good, the log says why. TOCSIN_UNAVAILABLE: not now; try again after the next published(). */
static inline tocsin_status tocsin_publish(void* self, tocsin_token source, uint64_t ticket, const tocsin_event* event,
                                           const char* name, const char* value) {
  const tocsin_host_publish* host = (const tocsin_host_publish*)tocsin_find(self, TOCSIN_HOST_PUBLISH);
  char why[256] = "";
  tocsin_c_buffer buffer = {why, sizeof(why) - 1, 0};
  tocsin_sink error;
  tocsin_field memory;
  tocsin_status status;
  if (!TOCSIN_C_OFFERS(tocsin_host_publish, host, publish)) return TOCSIN_UNSUPPORTED;
  memset(&error, 0, sizeof(error));
  error.struct_size = sizeof(error);
  error.context = &buffer;
  error.write = tocsin_c_append;
  memory.name = tocsin_text(name);
  memory.value = tocsin_text(value);
  status = host->publish(tocsin_context(self), source, ticket, &event, event == NULL ? 0 : 1, &memory, 1, &error);
  if (status == TOCSIN_INVALID) tocsin_log(self, TOCSIN_LOG_ERROR, why[0] ? why : "the host refused an event");
  return status;
}

/* What the source remembered under name, with a zero byte at its end; empty if it never did. */
static inline tocsin_status tocsin_recall(void* self, tocsin_token source, const char* name, char* out, size_t size) {
  const tocsin_host_publish* host = (const tocsin_host_publish*)tocsin_find(self, TOCSIN_HOST_PUBLISH);
  tocsin_c_buffer buffer;
  tocsin_sink value;
  tocsin_status status;
  buffer.data = out;
  buffer.size = size;
  buffer.used = 0;
  memset(&value, 0, sizeof(value));
  value.struct_size = sizeof(value);
  value.context = &buffer;
  value.write = tocsin_c_append;
  status = TOCSIN_C_OFFERS(tocsin_host_publish, host, recall)
               ? host->recall(tocsin_context(self), source, tocsin_text(name), &value)
               : TOCSIN_UNSUPPORTED;
  out[buffer.used] = '\0';
  return status;
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
