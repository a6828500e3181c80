/* A subscriber: appends a line for each event to a file, as an audit trail. */
#include <tocsin/c/plugin.h>

#include <stdio.h>

static tocsin_status open_subscription(void* self, const tocsin_subscription* subscription, tocsin_token* token,
                                       const tocsin_sink* error) {
  char path[1024];
  if (tocsin_json_text(subscription->settings, "path", path, sizeof(path)) <= 0)
    return tocsin_fail(error, "path is empty or too long; name the file that events are noted in");
  return tocsin_keep(self, path, strlen(path) + 1, token);
}

static void close_subscription(void* self, tocsin_token subscription) { tocsin_drop(self, subscription); }

static void note_events(void* self, tocsin_token subscription, const tocsin_event* const* events, uint64_t count,
                        uint64_t lost) {
  const char* path = tocsin_kept(self, subscription);
  FILE* file = path ? fopen(path, "a") : NULL;
  if (!file) {
    tocsin_log(self, TOCSIN_LOG_ERROR, "the file that events are noted in cannot be written");
    return;
  }
  if (lost > 0) fprintf(file, "(%llu events were passed over)\n", (unsigned long long)lost);
  for (uint64_t index = 0; index < count; ++index)
    fprintf(file, "%.*s %.*s %.*s\n", TOCSIN_PRINT(events[index]->type), TOCSIN_PRINT(events[index]->source),
            TOCSIN_PRINT(events[index]->id));
  if (fclose(file) != 0) tocsin_log(self, TOCSIN_LOG_ERROR, "the file that events are noted in could not be written");
}

static const tocsin_c_extension extensions[] = {
    TOCSIN_C_SUBSCRIBER(open_subscription, close_subscription, note_events)};
TOCSIN_C_PLUGIN(extensions, NULL, NULL)
