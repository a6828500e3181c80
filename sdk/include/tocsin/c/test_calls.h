/* SPDX-License-Identifier: Apache-2.0 */
/* The test's side of test_host.h: what a test has the host call. Include test_host.h. */
#ifndef TOCSIN_C_TEST_CALLS_H
#define TOCSIN_C_TEST_CALLS_H

#include <tocsin/abi/ext/config.h>
#include <tocsin/abi/ext/health.h>
#include <tocsin/c/test_host.h>

#ifdef __cplusplus
extern "C" {
#endif

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

/* Deliveries that it still has are completed or returned before this returns. */
static inline void tocsin_test_close_channel(tocsin_test_host* host, tocsin_token endpoint) {
  const tocsin_channel* channel = (const tocsin_channel*)tocsin_test_table(host, TOCSIN_EXT_CHANNEL);
  channel->close(host->plugin->self, endpoint);
}

/* Hand over one message; its outcome is in host->outcomes, under the token that this returns. */
static inline tocsin_token tocsin_test_deliver(tocsin_test_host* host, tocsin_token endpoint, const char* recipient,
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
  return message.delivery;
}

/* Ask for a delivery back. */
static inline void tocsin_test_cancel(tocsin_test_host* host, tocsin_token delivery) {
  const tocsin_channel* channel = (const tocsin_channel*)tocsin_test_table(host, TOCSIN_EXT_CHANNEL);
  channel->cancel(host->plugin->self, &delivery, 1);
}

/* The outcome of a delivery, or null: it has none yet. */
static inline const tocsin_test_outcome* tocsin_test_outcome_of(const tocsin_test_host* host, tocsin_token delivery) {
  uint64_t index;
  for (index = 0; index < host->outcome_count && index < TOCSIN_TEST_MAX; ++index) {
    if (host->outcomes[index].delivery.index == delivery.index) return &host->outcomes[index];
  }
  return NULL;
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

/* What it published and was not answered may still be answered after this. */
static inline void tocsin_test_close_source(tocsin_test_host* host, tocsin_token source) {
  const tocsin_source* table = (const tocsin_source*)tocsin_test_table(host, TOCSIN_EXT_SOURCE);
  table->close(host->plugin->self, source);
}

/* Answer what it published under a ticket: TOCSIN_OK, it is on disk; else it is not, and why. */
static inline void tocsin_test_answer_published(tocsin_test_host* host, tocsin_token source, uint64_t ticket,
                                                tocsin_status status, const char* reason) {
  const tocsin_source* table = (const tocsin_source*)tocsin_test_table(host, TOCSIN_EXT_SOURCE);
  tocsin_publish_result result;
  memset(&result, 0, sizeof(result));
  result.struct_size = sizeof(result);
  result.status = status;
  result.accepted = status == TOCSIN_OK ? 1 : 0;
  result.reason = tocsin_text(reason);
  table->published(host->plugin->self, source, ticket, &result);
}

/* Let every timer that runs now run out once, however long it has still to run. */
static inline void tocsin_test_fire_timers(tocsin_test_host* host) {
  const tocsin_timer* timer = (const tocsin_timer*)tocsin_test_table(host, TOCSIN_EXT_TIMER);
  tocsin_test_timer due[TOCSIN_TEST_MAX];
  uint64_t count;
  uint64_t index;
  tocsin_test_lock(host);
  count = host->timer_count;
  memcpy(due, host->timers, sizeof(due));
  host->timer_count = 0;
  tocsin_test_changed(host);
  for (index = 0; index < count; ++index) timer->fired(host->plugin->self, due[index].id);
}

/* Turn the clock on. Timers that are due meanwhile run out, each at its time. */
static inline void tocsin_test_advance(tocsin_test_host* host, uint64_t by_ms) {
  const int64_t end_ms = tocsin_test_now(host) + (int64_t)by_ms;
  for (;;) {
    tocsin_test_timer next = {0, 0, 0};
    uint64_t index;
    int found = 0;
    tocsin_test_lock(host);
    for (index = 0; index < host->timer_count; ++index) {
      if (host->timers[index].due_ms > end_ms || (found && host->timers[index].due_ms >= next.due_ms)) continue;
      next = host->timers[index];
      found = 1;
    }
    if (found) tocsin_test_forget_timer(host, next.id);
    if (!found) host->now_ms = end_ms;
    if (found && next.due_ms > host->now_ms) host->now_ms = next.due_ms;
    tocsin_test_changed(host);
    if (!found) return;
    ((const tocsin_timer*)tocsin_test_table(host, TOCSIN_EXT_TIMER))->fired(host->plugin->self, next.id);
  }
}

/* Send a request to a source; its answer is in host->http_answers, under the token that this returns. */
static inline tocsin_token tocsin_test_request(tocsin_test_host* host, tocsin_token source, const char* method,
                                               const char* path, const char* body) {
  const tocsin_http_route* route = (const tocsin_http_route*)tocsin_test_table(host, TOCSIN_EXT_HTTP_ROUTE);
  tocsin_http_call call;
  memset(&call, 0, sizeof(call));
  call.struct_size = sizeof(call);
  call.call.index = ++host->last_delivery;
  call.call.generation = 1;
  call.source = source;
  call.method = tocsin_text(method);
  call.path = tocsin_text(path);
  call.body = tocsin_data(body);
  route->call(host->plugin->self, &call);
  return call.call;
}

/* A series of the plugin's metrics: labels "result=failed", or "". Ends the program where there is none. */
static inline const tocsin_test_series* tocsin_test_metric(tocsin_test_host* host, const char* name,
                                                           const char* labels) {
  const tocsin_test_series* found = tocsin_test_series_of(host, name, labels);
  if (found != NULL) return found;
  fprintf(stderr, "the plugin has made no metric %s{%s}\n", name, labels);
  exit(1);
}

/* Ask for its health; the sentence is in host->error. */
static inline tocsin_health_state tocsin_test_check_health(tocsin_test_host* host) {
  const tocsin_health* health = (const tocsin_health*)tocsin_test_table(host, TOCSIN_EXT_HEALTH);
  const tocsin_sink text = tocsin_test_error(host);
  return health->check(host->plugin->self, &text);
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

static inline tocsin_finding_report tocsin_test_findings(tocsin_test_host* host) {
  tocsin_finding_report report;
  memset(&report, 0, sizeof(report));
  report.struct_size = sizeof(report);
  report.context = host;
  report.finding = tocsin_test_take_finding;
  host->finding_count = 0;
  return report;
}

/* Have a preset look at settings; what it finds is in host->findings. */
static inline void tocsin_test_check_preset(tocsin_test_host* host, const char* settings) {
  const tocsin_preset* preset = (const tocsin_preset*)tocsin_test_table(host, TOCSIN_EXT_PRESET);
  const tocsin_finding_report report = tocsin_test_findings(host);
  tocsin_endpoint endpoint;
  memset(&endpoint, 0, sizeof(endpoint));
  endpoint.struct_size = sizeof(endpoint);
  endpoint.channel = tocsin_text("test");
  endpoint.settings = tocsin_text(settings);
  preset->check(host->plugin->self, &endpoint, &report);
}

static inline tocsin_config_input tocsin_test_input(const char* table, const char* settings) {
  tocsin_config_input input;
  memset(&input, 0, sizeof(input));
  input.struct_size = sizeof(input);
  input.table = tocsin_text(table);
  input.name = tocsin_text("test");
  input.settings = tocsin_text(settings);
  return input;
}

/* Have it look at the settings of [TABLE.test], such as "sources"; what it finds is in host->findings. */
static inline void tocsin_test_check_settings(tocsin_test_host* host, const char* table, const char* settings) {
  const tocsin_config* config = (const tocsin_config*)tocsin_test_table(host, TOCSIN_EXT_CONFIG);
  const tocsin_finding_report report = tocsin_test_findings(host);
  const tocsin_config_input input = tocsin_test_input(table, settings);
  config->check(host->plugin->self, &input, &report);
}

/* Have it bring older settings up to date, in `out`. 0: they were never right. */
static inline int tocsin_test_migrate_settings(tocsin_test_host* host, const char* table, const char* settings,
                                               char* out, size_t size) {
  const tocsin_config* config = (const tocsin_config*)tocsin_test_table(host, TOCSIN_EXT_CONFIG);
  const tocsin_finding_report report = tocsin_test_findings(host);
  const tocsin_config_input input = tocsin_test_input(table, settings);
  tocsin_c_buffer buffer = {out, size, 0};
  const tocsin_sink made = tocsin_c_sink(&buffer);
  tocsin_status status;
  status = config->migrate == NULL ? TOCSIN_UNSUPPORTED : config->migrate(host->plugin->self, &input, &made, &report);
  out[buffer.used] = '\0';
  return status == TOCSIN_OK;
}

/* Have a doctor look at an endpoint; its stages are in host->stages, and host->diagnosis_count grows at the end. 0: it
 * refused, host->error says why. */
static inline int tocsin_test_diagnose(tocsin_test_host* host, tocsin_token endpoint, const char* recipient) {
  const tocsin_doctor* doctor = (const tocsin_doctor*)tocsin_test_table(host, TOCSIN_EXT_DOCTOR);
  const tocsin_sink error = tocsin_test_error(host);
  tocsin_diagnosis request;
  memset(&request, 0, sizeof(request));
  request.struct_size = sizeof(request);
  request.run.index = ++host->last_delivery;
  request.run.generation = 1;
  request.endpoint = endpoint;
  request.recipient = tocsin_text(recipient);
  return doctor->diagnose(host->plugin->self, &request, &error) == TOCSIN_OK;
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

static inline void tocsin_test_close_subscriber(tocsin_test_host* host, tocsin_token subscription) {
  const tocsin_subscriber* subscriber = (const tocsin_subscriber*)tocsin_test_table(host, TOCSIN_EXT_SUBSCRIBER);
  subscriber->close(host->plugin->self, subscription);
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

/* Requests that are under way are answered before this returns. */
static inline void tocsin_test_close_store(tocsin_test_host* host, tocsin_token store) {
  const tocsin_secret_store* table = (const tocsin_secret_store*)tocsin_test_table(host, TOCSIN_EXT_SECRETS);
  table->close(host->plugin->self, store);
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
