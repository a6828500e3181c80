/* A source: publishes an event at a fixed interval and counts on over restarts. */
#include <tocsin/c/plugin.h>

#include <stdio.h>

typedef struct ticker {
  char uri[128];
  uint64_t interval;
} ticker;

static tocsin_status open_source(void* self, const tocsin_source_config* config, tocsin_token* source,
                                 const tocsin_sink* error) {
  ticker made = {"", (uint64_t)tocsin_json_integer(config->settings, "interval", 60000)};
  snprintf(made.uri, sizeof(made.uri), "/ticker/%.*s", TOCSIN_PRINT(config->name));
  tocsin_lock(self);
  tocsin_status status = tocsin_keep(self, &made, sizeof(made), source);
  tocsin_unlock(self);
  if (status != TOCSIN_OK || tocsin_start_timer(self, source->index, made.interval)) return status;
  return tocsin_fail(error, "this host has no timers");
}

static void close_source(void* self, tocsin_token source) {
  tocsin_cancel_timer(self, source.index);
  tocsin_lock(self); /* fired() may come at the same time */
  tocsin_drop(self, source);
  tocsin_unlock(self);
}

static void fired(void* self, uint64_t id) {
  tocsin_lock(self);
  const tocsin_token source = tocsin_kept_at(self, id);
  const ticker* its = tocsin_kept(self, source);
  char count[24];
  if (its && tocsin_start_timer(self, id, its->interval) &&
      tocsin_recall(self, source, "count", count, sizeof(count)) == TOCSIN_OK) {
    snprintf(count, sizeof(count), "%lld", atoll(count) + 1);
    tocsin_event event = tocsin_new_event(self);
    event.id = tocsin_text(count); /* the same tick has the same id, so that the host knows a duplicate */
    event.source = tocsin_text(its->uri);
    event.type = tocsin_text("org.example.tick");
    tocsin_publish(self, source, 0, &event, "count", count); /* event and memory are one commit */
  }
  tocsin_unlock(self);
}

static const tocsin_c_extension extensions[] = {TOCSIN_C_SOURCE(open_source, close_source, tocsin_ignore_published),
                                                TOCSIN_C_TIMER(fired)};
TOCSIN_C_PLUGIN(extensions, NULL, NULL)
