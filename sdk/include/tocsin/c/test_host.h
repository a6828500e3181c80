/* SPDX-License-Identifier: Apache-2.0 */
/* A small host for a plugin's own test, in C or C++: loads the plugin's library, calls it, and keeps what it hands in.
 *
 *   int main(int count, char** arguments) {
 *     static tocsin_test_host host;
 *     if (count < 2 || !tocsin_test_load(&host, arguments[1])) return 1;
 *     TOCSIN_TEST(&host, ...);
 *     return tocsin_test_end(&host);
 *   }
 *
 * It is friendly and calls from one thread. `tocsin plugin test` is the hostile one. */
#ifndef TOCSIN_C_TEST_HOST_H
#define TOCSIN_C_TEST_HOST_H

#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/preset.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/ext/subscriber.h>
#include <tocsin/c/plugin.h>

#include <stdio.h>
#include <string.h>
#if !defined(_WIN32)
#include <dlfcn.h>
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
  char type[256];
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
} tocsin_test_timer;

typedef struct tocsin_test_answer {
  tocsin_token request;
  tocsin_status status;
  char value[512];
  char reason[512];
} tocsin_test_answer;

/* Zero it before use. The counts go on where an array is full. */
typedef struct tocsin_test_host {
  tocsin_test_outcome outcomes[TOCSIN_TEST_MAX];
  tocsin_test_event events[TOCSIN_TEST_MAX];
  tocsin_test_finding findings[TOCSIN_TEST_MAX];
  tocsin_test_memory memory[TOCSIN_TEST_MAX];
  tocsin_test_timer timers[TOCSIN_TEST_MAX];
  tocsin_test_answer answers[TOCSIN_TEST_MAX];
  uint64_t outcome_count;
  uint64_t event_count;
  uint64_t finding_count;
  uint64_t memory_count;
  uint64_t timer_count;
  uint64_t answer_count;
  char error[512];  /* what the plugin last wrote to an error sink */
  char log[512];    /* the last line that it logged */
  char secret[512]; /* the value of every secret */
  int64_t now_ms;
  int failed; /* expectations that did not hold */

  tocsin_host raw;
  const tocsin_plugin* plugin;
  uint64_t last_delivery;
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

/* ---- What the host offers ---- */

static inline void tocsin_test_write_log(void* context, tocsin_log_level level, tocsin_string text,
                                         const tocsin_field* fields, uint64_t field_count) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  (void)level;
  (void)fields;
  (void)field_count;
  tocsin_test_copy(host->log, sizeof(host->log), text.data, text.size);
}

static inline int64_t tocsin_test_now(void* context) { return ((tocsin_test_host*)context)->now_ms; }
static inline uint64_t tocsin_test_monotonic(void* context) {
  return (uint64_t)((tocsin_test_host*)context)->now_ms * 1000000u;
}

static inline void tocsin_test_cancel_timer(void* context, uint64_t id) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  uint64_t index;
  for (index = 0; index < host->timer_count; ++index) {
    if (host->timers[index].id == id) host->timers[index--] = host->timers[--host->timer_count];
  }
}

static inline void tocsin_test_start_timer(void* context, uint64_t id, uint64_t delay_ms) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  tocsin_test_cancel_timer(context, id);
  if (host->timer_count == TOCSIN_TEST_MAX) return;
  host->timers[host->timer_count].id = id;
  host->timers[host->timer_count].delay_ms = delay_ms;
  ++host->timer_count;
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
  for (index = 0; index < event_count; ++index) {
    if (events[index]->id.size == 0 || events[index]->source.size == 0 || events[index]->type.size == 0) {
      tocsin_write(error, tocsin_text("an event needs id, source and type"));
      return TOCSIN_INVALID;
    }
  }
  for (index = 0; index < event_count; ++index) {
    if (host->event_count < TOCSIN_TEST_MAX) {
      tocsin_test_event* kept = &host->events[host->event_count];
      kept->source = source;
      kept->ticket = ticket;
      tocsin_test_copy(kept->id, sizeof(kept->id), events[index]->id.data, events[index]->id.size);
      tocsin_test_copy(kept->type, sizeof(kept->type), events[index]->type.data, events[index]->type.size);
      tocsin_test_copy(kept->data, sizeof(kept->data), events[index]->data.data, events[index]->data.size);
    }
    ++host->event_count;
  }
  for (index = 0; index < memory_count; ++index) tocsin_test_remember(host, memory[index].name, memory[index].value);
  return TOCSIN_OK;
}

static inline tocsin_status tocsin_test_recall(void* context, tocsin_token source, tocsin_string name,
                                               const tocsin_sink* value) {
  const tocsin_test_memory* kept = tocsin_test_memory_of((tocsin_test_host*)context, name);
  (void)source;
  return kept == NULL ? TOCSIN_OK : tocsin_write(value, tocsin_text(kept->value));
}

static inline void tocsin_test_take_answer(void* context, tocsin_token request, const tocsin_secret_answer* answer) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  if (host->answer_count < TOCSIN_TEST_MAX) {
    tocsin_test_answer* kept = &host->answers[host->answer_count];
    kept->request = request;
    kept->status = answer->status;
    tocsin_test_copy(kept->value, sizeof(kept->value), answer->value.data, answer->value.size);
    tocsin_test_copy(kept->reason, sizeof(kept->reason), answer->reason.data, answer->reason.size);
  }
  ++host->answer_count;
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
  (void)context;
  if (tocsin_equal(id, TOCSIN_HOST_LOG)) return &log;
  if (tocsin_equal(id, TOCSIN_HOST_CLOCK)) return &clock;
  if (tocsin_equal(id, TOCSIN_HOST_TIMER)) return &timer;
  if (tocsin_equal(id, TOCSIN_HOST_SECRETS)) return &secrets;
  if (tocsin_equal(id, TOCSIN_HOST_COMPLETE)) return &complete;
  if (tocsin_equal(id, TOCSIN_HOST_PUBLISH)) return &publish;
  if (tocsin_equal(id, TOCSIN_HOST_SECRET_ANSWER)) return &answer;
  return NULL;
}

/* ---- The test's side ---- */

static inline const tocsin_entry* tocsin_test_entry(const char* library) {
  typedef const tocsin_entry* (*entry_function)(void);
  entry_function function = NULL;
#if defined(_WIN32)
  HMODULE loaded = LoadLibraryA(library);
  FARPROC symbol = loaded == NULL ? NULL : GetProcAddress(loaded, TOCSIN_ENTRY_SYMBOL);
  if (symbol == NULL) {
    fprintf(stderr, "%s: cannot be loaded, or exports no %s (error %lu)\n", library, TOCSIN_ENTRY_SYMBOL,
            (unsigned long)GetLastError());
    return NULL;
  }
#else
  void* loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  void* symbol = loaded == NULL ? NULL : dlsym(loaded, TOCSIN_ENTRY_SYMBOL);
  if (symbol == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return NULL;
  }
#endif
  memcpy(&function, &symbol, sizeof(function));
  return function();
}

/* Load, create and start the plugin. 0: it failed, and standard error says why. */
static inline int tocsin_test_load(tocsin_test_host* host, const char* library) {
  const tocsin_entry* entry = tocsin_test_entry(library);
  const tocsin_plugin* plugin = NULL;
  tocsin_sink error = tocsin_test_error(host);
  if (entry == NULL) return 0;
  host->raw.struct_size = sizeof(host->raw);
  host->raw.abi_version = TOCSIN_ABI_VERSION;
  host->raw.context = host;
  host->raw.name = tocsin_text("test");
  host->raw.version = tocsin_text("1.0.0");
  host->raw.get_extension = tocsin_test_get_extension;
  if (entry->create(&host->raw, &plugin, &error) != TOCSIN_OK) {
    fprintf(stderr, "create() failed: %s\n", host->error);
    return 0;
  }
  host->plugin = plugin;
  if (plugin->start(plugin->self, &error) != TOCSIN_OK) {
    fprintf(stderr, "start() failed: %s\n", host->error);
    return 0;
  }
  return 1;
}

/* Stop and destroy the plugin. The test's exit status. */
static inline int tocsin_test_end(tocsin_test_host* host) {
  host->plugin->stop(host->plugin->self);
  host->plugin->destroy(host->plugin->self);
  if (host->failed > 0) fprintf(stderr, "%d failed\n", host->failed);
  return host->failed > 0 ? 1 : 0;
}

/* An extension of the plugin's; ends the program where the plugin does not have it. */
static inline const void* tocsin_test_table(tocsin_test_host* host, const char* id) {
  const void* table = host->plugin->get_extension(host->plugin->self, tocsin_text(id));
  if (table == NULL) {
    fprintf(stderr, "the plugin has no %s\n", id);
    exit(1);
  }
  return table;
}

/* Open an endpoint. {0, 0}: it was refused, host->error says why. */
static inline tocsin_token tocsin_test_open_channel(tocsin_test_host* host, const char* settings) {
  const tocsin_channel* channel = (const tocsin_channel*)tocsin_test_table(host, TOCSIN_EXT_CHANNEL);
  const tocsin_token none = {0, 0};
  tocsin_sink error = tocsin_test_error(host);
  tocsin_endpoint endpoint;
  tocsin_endpoint_info info;
  memset(&endpoint, 0, sizeof(endpoint));
  memset(&info, 0, sizeof(info));
  endpoint.struct_size = sizeof(endpoint);
  endpoint.channel = tocsin_text("test");
  endpoint.settings = tocsin_text(settings);
  info.struct_size = sizeof(info);
  if (channel->open(host->plugin->self, &endpoint, &info, &error) != TOCSIN_OK) return none;
  return info.token;
}

/* Hand over one message; its outcome is in host->outcomes. */
static inline void tocsin_test_deliver(tocsin_test_host* host, tocsin_token endpoint, const char* recipient,
                                       const char* subject, const char* text) {
  const tocsin_channel* channel = (const tocsin_channel*)tocsin_test_table(host, TOCSIN_EXT_CHANNEL);
  tocsin_message message;
  const tocsin_message* batch = &message;
  memset(&message, 0, sizeof(message));
  message.struct_size = sizeof(message);
  message.attempt = 1;
  message.delivery.index = ++host->last_delivery;
  message.delivery.generation = 1;
  message.endpoint = endpoint;
  message.recipient = tocsin_text(recipient);
  message.language = tocsin_text("en");
  message.message_id = tocsin_text("test@example.org");
  message.subject = tocsin_text(subject);
  message.text = tocsin_text(text);
  channel->deliver(host->plugin->self, &batch, 1);
}

/* Open a source. {0, 0}: it was refused, host->error says why. */
static inline tocsin_token tocsin_test_open_source(tocsin_test_host* host, const char* name, const char* settings) {
  const tocsin_source* source = (const tocsin_source*)tocsin_test_table(host, TOCSIN_EXT_SOURCE);
  tocsin_token token = {0, 0};
  const tocsin_token none = {0, 0};
  tocsin_sink error = tocsin_test_error(host);
  tocsin_source_config config;
  memset(&config, 0, sizeof(config));
  config.struct_size = sizeof(config);
  config.name = tocsin_text(name);
  config.settings = tocsin_text(settings);
  config.credits = TOCSIN_TEST_MAX;
  return source->open(host->plugin->self, &config, &token, &error) == TOCSIN_OK ? token : none;
}

/* Let every timer that runs now run out once. */
static inline void tocsin_test_fire_timers(tocsin_test_host* host) {
  const tocsin_timer* timer = (const tocsin_timer*)tocsin_test_table(host, TOCSIN_EXT_TIMER);
  tocsin_test_timer due[TOCSIN_TEST_MAX];
  const uint64_t count = host->timer_count;
  uint64_t index;
  memcpy(due, host->timers, sizeof(due));
  host->timer_count = 0;
  for (index = 0; index < count; ++index) timer->fired(host->plugin->self, due[index].id);
}

static inline void tocsin_test_take_finding(void* context, const tocsin_finding* finding) {
  tocsin_test_host* host = (tocsin_test_host*)context;
  if (host->finding_count < TOCSIN_TEST_MAX) {
    tocsin_test_finding* kept = &host->findings[host->finding_count];
    kept->fatal = finding->fatal;
    tocsin_test_copy(kept->key, sizeof(kept->key), finding->key.data, finding->key.size);
    tocsin_test_copy(kept->code, sizeof(kept->code), finding->code.data, finding->code.size);
    tocsin_test_copy(kept->text, sizeof(kept->text), finding->text.data, finding->text.size);
  }
  ++host->finding_count;
}

/* Have a preset look at settings; what it finds is in host->findings. */
static inline void tocsin_test_check_preset(tocsin_test_host* host, const char* settings) {
  const tocsin_preset* preset = (const tocsin_preset*)tocsin_test_table(host, TOCSIN_EXT_PRESET);
  tocsin_endpoint endpoint;
  tocsin_finding_report report;
  memset(&endpoint, 0, sizeof(endpoint));
  memset(&report, 0, sizeof(report));
  endpoint.struct_size = sizeof(endpoint);
  endpoint.channel = tocsin_text("test");
  endpoint.settings = tocsin_text(settings);
  report.struct_size = sizeof(report);
  report.context = host;
  report.finding = tocsin_test_take_finding;
  host->finding_count = 0;
  preset->check(host->plugin->self, &endpoint, &report);
}

/* Open a subscription. {0, 0}: it was refused, host->error says why. */
static inline tocsin_token tocsin_test_open_subscriber(tocsin_test_host* host, const char* name, const char* settings) {
  const tocsin_subscriber* subscriber = (const tocsin_subscriber*)tocsin_test_table(host, TOCSIN_EXT_SUBSCRIBER);
  tocsin_token token = {0, 0};
  const tocsin_token none = {0, 0};
  tocsin_sink error = tocsin_test_error(host);
  tocsin_subscription subscription;
  memset(&subscription, 0, sizeof(subscription));
  subscription.struct_size = sizeof(subscription);
  subscription.name = tocsin_text(name);
  subscription.settings = tocsin_text(settings);
  return subscriber->open(host->plugin->self, &subscription, &token, &error) == TOCSIN_OK ? token : none;
}

/* Hand one event to a subscription, after `lost` that were passed over. */
static inline void tocsin_test_hand_event(tocsin_test_host* host, tocsin_token subscription, const char* id,
                                          const char* type, uint64_t lost) {
  const tocsin_subscriber* subscriber = (const tocsin_subscriber*)tocsin_test_table(host, TOCSIN_EXT_SUBSCRIBER);
  tocsin_event event;
  const tocsin_event* batch = &event;
  memset(&event, 0, sizeof(event));
  event.struct_size = sizeof(event);
  event.id = tocsin_text(id);
  event.source = tocsin_text("/test");
  event.type = tocsin_text(type);
  event.time_ms = TOCSIN_NO_TIME;
  event.expires_ms = TOCSIN_NO_TIME;
  subscriber->events(host->plugin->self, subscription, &batch, 1, lost);
}

/* Open a secret store. {0, 0}: it was refused, host->error says why. */
static inline tocsin_token tocsin_test_open_store(tocsin_test_host* host, const char* name, const char* settings) {
  const tocsin_secret_store* store = (const tocsin_secret_store*)tocsin_test_table(host, TOCSIN_EXT_SECRETS);
  tocsin_token token = {0, 0};
  const tocsin_token none = {0, 0};
  tocsin_sink error = tocsin_test_error(host);
  tocsin_secret_store_config config;
  memset(&config, 0, sizeof(config));
  config.struct_size = sizeof(config);
  config.name = tocsin_text(name);
  config.settings = tocsin_text(settings);
  return store->open(host->plugin->self, &config, &token, &error) == TOCSIN_OK ? token : none;
}

/* Ask a secret store; its answer is in host->answers. */
static inline void tocsin_test_fetch(tocsin_test_host* host, tocsin_token store, const char* reference) {
  const tocsin_secret_store* table = (const tocsin_secret_store*)tocsin_test_table(host, TOCSIN_EXT_SECRETS);
  tocsin_token request;
  request.index = ++host->last_delivery;
  request.generation = 1;
  table->fetch(host->plugin->self, store, request, tocsin_text(reference));
}

#ifdef __cplusplus
}
#endif

#endif
