/* SPDX-License-Identifier: Apache-2.0 */
/* A small host for a plugin's own test, in C or C++: loads the plugin's library, calls it (test_calls.h), and keeps
 * what it hands in.
 *
 *   int main(int count, char** arguments) {
 *     static tocsin_test_host host;
 *     if (count < 2 || !tocsin_test_load(&host, arguments[1])) return 1;
 *     TOCSIN_TEST(&host, ...);
 *     TOCSIN_TEST_WAIT(&host, host.outcome_count == 1, 5000);
 *     return tocsin_test_end(&host);
 *   }
 *
 * It is friendly and calls from one thread; the plugin may answer from any. `tocsin plugin test` is the hostile one. */
#ifndef TOCSIN_C_TEST_HOST_H
#define TOCSIN_C_TEST_HOST_H

#include <tocsin/abi/entry.h>
#include <tocsin/c/test_tables.h>

#ifdef __cplusplus
extern "C" {
#endif

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
  TOCSIN_C_MUTEX_INIT(&host->mutex);
#if defined(_WIN32)
  InitializeConditionVariable(&host->changed);
#else
  (void)pthread_cond_init(&host->changed, NULL);
#endif
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

#ifdef __cplusplus
}
#endif

#include <tocsin/c/test_calls.h> /* at the end: its functions need those above */

#endif
