/* A plugin that keeps the law, except for one fault: its life, its tables and its entry. */
#define _GNU_SOURCE
#include "tests/conformance/planted/planted.h"

#include <tocsin/abi/entry.h>

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int bug(const char* name) {
  const char* wanted = getenv("PLANTED_BUG");
  return wanted != NULL && strcmp(wanted, name) == 0;
}

const void* find(planted* self, const char* id, size_t least) {
  const tocsin_string name = {id, strlen(id)};
  const void* table = self->host->get_extension(self->host->context, name);
  uint32_t size;
  if (table == NULL) {
    if (bug("host.missing-extensions")) abort();
    return NULL;
  }
  memcpy(&size, table, sizeof(size));
  if (bug("host.newer") && size != least) abort();
  return size >= least || bug("host.older") ? table : NULL;
}

int equal(tocsin_string text, const char* other) {
  return text.size == strlen(other) && memcmp(text.data, other, (size_t)text.size) == 0;
}

int has_name(tocsin_string settings) {
#ifdef NEEDS_COLOUR
  static const char key[] = "\"name\":\"planted-";
#else
  static const char key[] = "\"name\":\"";
#endif
  uint64_t at;
  if (settings.size < 2 || settings.data[0] != '{' || settings.data[settings.size - 1] != '}') return 0;
  for (at = 0; at + sizeof(key) - 1 <= settings.size; ++at)
    if (memcmp(settings.data + at, key, sizeof(key) - 1) == 0) return 1;
  return 0;
}

tocsin_status fail(const tocsin_sink* error, const char* why) {
  const char* at = why;
  if (bug("channel.open-refuses-garbage")) return TOCSIN_FAILED;
  /* In pieces, so that a sink that refuses one is seen to be left alone. */
  for (; *at != '\0'; ++at) {
    const tocsin_bytes piece = {(const uint8_t*)at, 1};
    if (error->write(error->context, piece) != TOCSIN_OK && !bug("sink.out-of-memory")) break;
  }
  return TOCSIN_FAILED;
}

void say(planted* self, const char* what) {
  const tocsin_host_log* log = FIND(self, tocsin_host_log, TOCSIN_HOST_LOG);
  if (log != NULL) log->write(self->host->context, TOCSIN_LOG_INFO, (tocsin_string){what, strlen(what)}, NULL, 0);
}

tocsin_token next_token(planted* self) {
  const tocsin_token token = {++self->last_token, 1};
  return token;
}

int is_interrupted(planted* self) {
  struct timespec until;
  int mine;
  int interrupted;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 1;
  pthread_mutex_lock(&self->mutex);
  if (self->lost_one) {
    pthread_mutex_unlock(&self->mutex);
    return 0;
  }
  mine = ++self->arrivals;
  pthread_cond_broadcast(&self->arrived);
  while (self->arrivals == mine && pthread_cond_timedwait(&self->arrived, &self->mutex, &until) == 0) continue;
  interrupted = self->arrivals != mine;
  self->lost_one = self->lost_one || interrupted;
  pthread_mutex_unlock(&self->mutex);
  return interrupted;
}

/* A second pair of plugins: one offers a service that the other cannot do without. */
#define COLOUR "org.example.colour/1"
#ifdef OFFERS_COLOUR
static const struct {
  uint32_t struct_size;
  uint32_t reserved;
} colour = {sizeof(colour), 0};
#endif
#ifdef NEEDS_COLOUR
static int finds_colour(planted* self) {
  const tocsin_host_services* host = FIND(self, tocsin_host_services, TOCSIN_HOST_SERVICES);
  tocsin_service service = {sizeof(service), 0, NULL, NULL};
  return host != NULL && host->find(self->host->context, TEXT(COLOUR), &service) == TOCSIN_OK;
}
#endif

static void* linger(void* given) {
  planted* self = given;
  const struct timespec pause = {0, 5 * 1000 * 1000};
  int round;
  for (round = 0; round < 400; ++round) {
    nanosleep(&pause, NULL);
    if (bug("lifecycle.no-call-after-stop")) say(self, "still here");
  }
  return NULL;
}

static void make_thread(planted* self) { pthread_create(&self->thread, NULL, linger, self); }

static const void* get_extension(void* object, tocsin_string id) {
  (void)object;
  if (bug("extensions.unknown-id-is-null") && id.size > 6) {
    if (memcmp(id.data, TOCSIN_EXT_CHANNEL, id.size < 22 ? (size_t)id.size : 22) == 0) return &planted_channel;
  }
  if (equal(id, TOCSIN_EXT_CHANNEL)) return &planted_channel;
  if (equal(id, TOCSIN_EXT_SOURCE)) return bug("extensions.as-the-manifest-says") ? NULL : &planted_source;
  if (equal(id, TOCSIN_EXT_TIMER)) return &planted_timer;
  if (equal(id, TOCSIN_EXT_DOCTOR)) return &planted_doctor;
  if (equal(id, TOCSIN_EXT_PRESET)) return &planted_preset;
  if (equal(id, TOCSIN_EXT_SUBSCRIBER)) return &planted_subscriber;
  if (equal(id, TOCSIN_EXT_SECRETS)) return &planted_secrets;
  if (equal(id, TOCSIN_EXT_HTTP_ROUTE)) return &planted_http_route;
  if (equal(id, TOCSIN_EXT_HEALTH)) return &planted_health;
  if (equal(id, TOCSIN_EXT_CONFIG)) return &planted_config;
#ifdef OFFERS_COLOUR
  if (equal(id, COLOUR)) return &colour;
#endif
  return NULL;
}

static tocsin_status start(void* object, const tocsin_sink* error) {
  planted* self = object;
  if (self->starts++ > 0 && bug("lifecycle.start-stop-start")) return fail(error, "it was started before");
  if (bug("exit")) exit(0);
#ifdef NEEDS_COLOUR
  if (!finds_colour(self)) return fail(error, "nobody offers " COLOUR);
#endif
  break_in_start(self, error);
  if (bug("crash")) *(volatile int*)8 = 1;
  if (bug("hang"))
    for (;;) pause();
  if (bug("lifecycle.stop-leaves-no-thread") || bug("lifecycle.no-call-after-stop")) make_thread(self);
  return TOCSIN_OK;
}

static void stop(void* object) {
  planted* self = object;
  break_in_stop(self);
  if (!bug("channel.stop-with-outstanding")) planted_channel.close(self, (tocsin_token){0, 0});
  self->source_is_open = 0;
}

static void destroy(void* object) {
  planted* self = object;
  if (bug("lifecycle.create-destroy") && self->starts == 0) abort();
  if (bug("lifecycle.create-twice") || bug("lifecycle.no-call-after-stop")) return;
  free(self);
}

static tocsin_status create(const tocsin_host* host, const tocsin_plugin** plugin, const tocsin_sink* error) {
  static planted* only = NULL;
  planted* self = bug("lifecycle.create-twice") && only != NULL ? only : calloc(1, sizeof(planted));
  if (self == NULL) return fail(error, "out of memory");
  only = self;
  self->host = host;
  pthread_mutex_init(&self->mutex, NULL);
  pthread_cond_init(&self->arrived, NULL);
  self->table = (tocsin_plugin){sizeof(tocsin_plugin), 0, self, get_extension, start, stop, destroy};
  break_in_create(self);
  if (bug("lifecycle.create-does-nothing")) open("/dev/null", O_RDONLY);
  *plugin = &self->table;
  return TOCSIN_OK;
}

TOCSIN_EXPORT const tocsin_entry* tocsin_plugin_entry_v1(void) {
  static const tocsin_entry entry = {sizeof(tocsin_entry),
                                     TOCSIN_ABI_VERSION,
                                     {TOCSIN_PLUGIN_ID, sizeof(TOCSIN_PLUGIN_ID) - 1},
                                     {TOCSIN_PLUGIN_VERSION, sizeof(TOCSIN_PLUGIN_VERSION) - 1},
                                     create};
  static const tocsin_entry wrong = {sizeof(tocsin_entry), TOCSIN_ABI_VERSION, {"planter", 7}, {"0.0.1", 5}, create};
  return bug("entry.table") ? &wrong : &entry;
}

#ifdef EXPORTS_MORE
TOCSIN_EXPORT int planted_more(void);
int planted_more(void) { return 1; }
#endif
