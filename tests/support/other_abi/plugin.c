/* A channel and a source as an author builds them against another release's headers: what its release does not have is
 * not there, and behind each of its structs lies what would end a host that read it. */
#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/source.h>

#include <string.h>

/* A struct of the release's size, and what happens to lie behind it. */
#define LAID_OUT(TYPE, NAME)  \
  struct {                    \
    TYPE value;               \
    unsigned char beyond[64]; \
  } NAME
#define FILL(NAME, TYPE)               \
  memset(&(NAME), 0x5a, sizeof(NAME)); \
  (NAME).value.struct_size = sizeof(TYPE)

static const tocsin_host* host;
static LAID_OUT(tocsin_entry, entry);
static LAID_OUT(tocsin_plugin, plugin);
static LAID_OUT(tocsin_channel, channel);
static LAID_OUT(tocsin_source, source);

static tocsin_string text(const char* from) {
  tocsin_string made = {from, strlen(from)};
  return made;
}
static int same(tocsin_string a, const char* b) { return a.size == strlen(b) && memcmp(a.data, b, a.size) == 0; }

/* True where a struct of the host's claims a field that this host cannot know. */
#ifdef OTHER_ABI_GROWN
#define IS_TOO_NEW(TYPE, POINTER) TOCSIN_HAS_FIELD(TYPE, POINTER, newer_pointer)
#else
#define IS_TOO_NEW(TYPE, POINTER) 0
#endif

static tocsin_status open_channel(void* self, const tocsin_endpoint* endpoint, tocsin_endpoint_info* info,
                                  const tocsin_sink* error) {
  (void)self, (void)error;
  if (IS_TOO_NEW(tocsin_endpoint, endpoint) || IS_TOO_NEW(tocsin_endpoint_info, info)) return TOCSIN_FAILED;
  info->slots = 1;
  info->token.index = 1;
  info->token.generation = 1;
  return TOCSIN_OK;
}
static void close_channel(void* self, tocsin_token endpoint) { (void)self, (void)endpoint; }
static void deliver(void* self, const tocsin_message* const* messages, uint64_t count) {
  (void)self;
  const tocsin_host_complete* complete = host->get_extension(host->context, text(TOCSIN_HOST_COMPLETE));
  for (uint64_t index = 0; index < count; ++index) {
    LAID_OUT(tocsin_outcome, made);
    FILL(made, tocsin_outcome);
    made.value.outcome_class =
        IS_TOO_NEW(tocsin_message, messages[index]) ? TOCSIN_CLASS_PERMANENT : TOCSIN_CLASS_DELIVERED;
    made.value.delivery = messages[index]->delivery;
    made.value.code = text("OK");
#ifndef OTHER_ABI_TOCSIN_OUTCOME
    made.value.retry_after_ms = -1;
    made.value.detail = text("taken");
    made.value.server_reply = text("");
    made.value.transcript = text("");
#endif
    const tocsin_outcome* outcome = &made.value;
    complete->complete(host->context, &outcome, 1);
  }
}
#ifndef OTHER_ABI_TOCSIN_CHANNEL
static void cancel(void* self, const tocsin_token* deliveries, uint64_t count) {
  (void)self, (void)deliveries, (void)count;
}
#endif

/* Publishes one event as soon as it is opened; its type is the plugin's own. */
static tocsin_status open_source(void* self, const tocsin_source_config* config, tocsin_token* token,
                                 const tocsin_sink* error) {
  (void)self;
  if (IS_TOO_NEW(tocsin_source_config, config)) return TOCSIN_FAILED;
  token->index = 1;
  token->generation = 1;
  LAID_OUT(tocsin_event, made);
  FILL(made, tocsin_event);
  made.value.id = text("1");
  made.value.source = text("/" TOCSIN_PLUGIN_ID);
  made.value.type = text("test." TOCSIN_PLUGIN_ID);
#ifndef OTHER_ABI_TOCSIN_EVENT
  const tocsin_string none = {"", 0};
  made.value.subject = made.value.data_content_type = made.value.organization = made.value.severity = none;
  made.value.recipient = made.value.language = made.value.dedupkey = made.value.component = made.value.folder = none;
  made.value.traceparent = none;
  made.value.data.size = 0;
  made.value.time_ms = made.value.expires_ms = TOCSIN_NO_TIME;
  made.value.attribute_count = 0;
#endif
  const tocsin_event* event = &made.value;
  const tocsin_host_publish* publish = host->get_extension(host->context, text(TOCSIN_HOST_PUBLISH));
  const tocsin_token itself = {0, 0}; /* the source may publish once this has returned, the plugin at once */
  return publish->publish(host->context, itself, 1, &event, 1, NULL, 0, error);
}
static void close_source(void* self, tocsin_token token) { (void)self, (void)token; }
#ifndef OTHER_ABI_TOCSIN_SOURCE
static void published(void* self, tocsin_token token, uint64_t ticket, const tocsin_publish_result* result) {
  (void)self, (void)token, (void)ticket, (void)result;
}
#endif

static const void* get_extension(void* self, tocsin_string id) {
  (void)self;
  if (same(id, TOCSIN_EXT_CHANNEL)) return &channel.value;
  if (same(id, TOCSIN_EXT_SOURCE)) return &source.value;
  return NULL;
}

/* Whoever wants more of a newer host asks for it, and does without. */
static tocsin_status start(void* self, const tocsin_sink* error) {
  (void)self, (void)error;
  if (host->get_extension(host->context, text("tocsin.host.telepathy/1"))) return TOCSIN_FAILED;
  return IS_TOO_NEW(tocsin_host, host) ? TOCSIN_FAILED : TOCSIN_OK;
}
static void stop(void* self) { (void)self; }
#ifndef OTHER_ABI_TOCSIN_PLUGIN
static void destroy(void* self) { (void)self; }
#endif

#ifndef OTHER_ABI_TOCSIN_ENTRY
static tocsin_status create(const tocsin_host* given, const tocsin_plugin** made, const tocsin_sink* error) {
  (void)error;
  host = given;
  FILL(channel, tocsin_channel);
  channel.value.open = &open_channel;
  channel.value.close = &close_channel;
  channel.value.deliver = &deliver;
#ifndef OTHER_ABI_TOCSIN_CHANNEL
  channel.value.cancel = &cancel;
#endif
  FILL(source, tocsin_source);
  source.value.open = &open_source;
  source.value.close = &close_source;
#ifndef OTHER_ABI_TOCSIN_SOURCE
  source.value.published = &published;
#endif
  FILL(plugin, tocsin_plugin);
  plugin.value.self = NULL;
  plugin.value.get_extension = &get_extension;
  plugin.value.start = &start;
  plugin.value.stop = &stop;
#ifndef OTHER_ABI_TOCSIN_PLUGIN
  plugin.value.destroy = &destroy;
#endif
  *made = &plugin.value;
  return TOCSIN_OK;
}
#endif

TOCSIN_EXPORT const tocsin_entry* tocsin_plugin_entry_v1(void) {
  FILL(entry, tocsin_entry);
  entry.value.abi_version = TOCSIN_ABI_VERSION;
  entry.value.id = text(TOCSIN_PLUGIN_ID);
  entry.value.version = text(TOCSIN_PLUGIN_VERSION);
#ifndef OTHER_ABI_TOCSIN_ENTRY
  entry.value.create = &create;
#endif
  return &entry.value;
}
