/* A channel: appends each message to a file. */
#include <tocsin/c/plugin.h>

#include <stdio.h>

static tocsin_status open_endpoint(void* self, const tocsin_endpoint* endpoint, tocsin_endpoint_info* info,
                                   const tocsin_sink* error) {
  char path[1024];
  if (tocsin_json_text(endpoint->settings, "path", path, sizeof(path)) <= 0)
    return tocsin_fail(error, "path is empty or too long; name the file that messages go to");
  info->slots = 1;
  return tocsin_keep(self, path, strlen(path) + 1, &info->token);
}

static void close_endpoint(void* self, tocsin_token endpoint) { tocsin_drop(self, endpoint); }

static void deliver(void* self, const tocsin_message* const* messages, uint64_t count) {
  for (uint64_t index = 0; index < count; ++index) {
    const tocsin_message* message = messages[index];
    const char* path = tocsin_kept(self, message->endpoint);
    FILE* file = path ? fopen(path, "a") : NULL;
    int written = file && fprintf(file, "To: %.*s\nSubject: %.*s\n\n%.*s\n", TOCSIN_PRINT(message->recipient),
                                  TOCSIN_PRINT(message->subject), TOCSIN_PRINT(message->text)) > 0;
    if (file && fclose(file) != 0) written = 0;
    if (!path)
      tocsin_complete(self, message->delivery, TOCSIN_CLASS_RETURNED, "", "");
    else if (written)
      tocsin_complete(self, message->delivery, TOCSIN_CLASS_DELIVERED, "OK", "");
    else
      tocsin_complete(self, message->delivery, TOCSIN_CLASS_TRANSIENT, "FILE_NOT_WRITTEN", path);
  }
}

static const tocsin_c_extension extensions[] = {
    TOCSIN_C_CHANNEL(open_endpoint, close_endpoint, deliver, tocsin_ignore_cancel)};
TOCSIN_C_PLUGIN(extensions, NULL, NULL)
