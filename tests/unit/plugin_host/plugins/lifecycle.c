/* A test plugin that only lives: it logs its steps, and breaks one rule of the law if it is built to. */
#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/services.h>

#include <string.h>

#define TEXT(LITERAL) ((tocsin_string){LITERAL, sizeof(LITERAL) - 1})

static const tocsin_host* host;
static const tocsin_service dummy_table = {sizeof(tocsin_service), 0, 0, 0};
static tocsin_plugin self;

static void say(tocsin_string text) {
  const tocsin_host_log* log = host->get_extension(host->context, TEXT(TOCSIN_HOST_LOG));
  if (log) log->write(host->context, TOCSIN_LOG_INFO, text, 0, 0);
}

#if defined(FAIL_CREATE) || defined(FAIL_START)
static void explain(const tocsin_sink* error, const char* why) {
  tocsin_bytes bytes = {(const uint8_t*)why, strlen(why)};
  error->write(error->context, bytes);
}
#endif

static const void* get_extension(void* object, tocsin_string id) {
  (void)object;
#if defined(PROVIDES) && !defined(MISSING_EXTENSION)
  if (id.size == sizeof(PROVIDES) - 1 && memcmp(id.data, PROVIDES, id.size) == 0) return &dummy_table;
#endif
#ifdef EXTRA_EXTENSION
  if (id.size == sizeof("tocsin.timer/1-draft") - 1 && memcmp(id.data, "tocsin.timer/1-draft", id.size) == 0)
    return &dummy_table;
#endif
  (void)id;
  return 0;
}

static tocsin_status start(void* object, const tocsin_sink* error) {
  (void)object;
  (void)error;
#ifdef REQUIRES
  const tocsin_host_services* services = host->get_extension(host->context, TEXT(TOCSIN_HOST_SERVICES));
  tocsin_service service = {sizeof(tocsin_service), 0, 0, 0};
  if (services->find(host->context, TEXT(REQUIRES), &service) != TOCSIN_OK || service.table == 0) return TOCSIN_FAILED;
  if (services->find(host->context, TEXT("tocsin.undeclared/1"), &service) != TOCSIN_UNSUPPORTED) return TOCSIN_FAILED;
#endif
#ifdef FAIL_START
  explain(error, "the moon is not full");
  return TOCSIN_FAILED;
#else
  say(TEXT("test start"));
  return TOCSIN_OK;
#endif
}

static void stop(void* object) {
  (void)object;
  say(TEXT("test stop"));
}

static void destroy(void* object) {
  (void)object;
  say(TEXT("test destroy"));
}

static tocsin_status create(const tocsin_host* given, const tocsin_plugin** plugin, const tocsin_sink* error) {
  (void)error;
  host = given;
#ifdef FAIL_CREATE
  explain(error, "no workshop");
  return TOCSIN_FAILED;
#else
  self.struct_size = sizeof(self);
  self.get_extension = get_extension;
  self.start = start;
  self.stop = stop;
  self.destroy = destroy;
  *plugin = &self;
  return TOCSIN_OK;
#endif
}

#ifdef NEWER_ABI
#define SAID_ABI (TOCSIN_ABI_VERSION + 1)
#else
#define SAID_ABI TOCSIN_ABI_VERSION
#endif
#ifdef WRONG_ID
#define SAID_ID "somebody-else"
#else
#define SAID_ID TOCSIN_PLUGIN_ID
#endif
#ifdef WRONG_VERSION
#define SAID_VERSION "9.9.9"
#else
#define SAID_VERSION TOCSIN_PLUGIN_VERSION
#endif
#ifdef SHORT_ENTRY
#define SAID_SIZE 8
#else
#define SAID_SIZE sizeof(tocsin_entry)
#endif

#ifndef NO_ENTRY
TOCSIN_EXPORT const tocsin_entry* tocsin_plugin_entry_v1(void) {
  static const tocsin_entry entry = {
      SAID_SIZE, SAID_ABI, {SAID_ID, sizeof(SAID_ID) - 1}, {SAID_VERSION, sizeof(SAID_VERSION) - 1}, create};
  return &entry;
}
#endif

#ifdef MARKS_CONSTRUCTOR
#include <stdio.h>
#include <stdlib.h>
/* Leaves a file behind as soon as the library is loaded, whether or not anything of it is called. */
__attribute__((constructor)) static void mark(void) {
  const char* where = getenv("TOCSIN_TEST_CONSTRUCTOR_MARK");
  FILE* file = where ? fopen(where, "w") : 0;
  if (file) fclose(file);
}
#endif
