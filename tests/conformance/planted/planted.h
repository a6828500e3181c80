/* What the parts of the planted plugin share: its host, its tables, and which fault it has. */
#ifndef TOCSIN_TEST_PLANTED_H
#define TOCSIN_TEST_PLANTED_H

#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/config.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/health.h>
#include <tocsin/abi/ext/http_route.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/metrics.h>
#include <tocsin/abi/ext/preset.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/services.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/ext/subscriber.h>
#include <tocsin/abi/host.h>
#include <tocsin/abi/plugin.h>

#include <pthread.h>
#include <string.h>

#define TEXT(LITERAL) ((tocsin_string){LITERAL, sizeof(LITERAL) - 1})
#define MANY 256

typedef struct planted {
  tocsin_plugin table;
  const tocsin_host* host;
  pthread_mutex_t mutex;
  uint64_t last_token;
  int calls;
  int starts;
  tocsin_token source;
  int source_is_open;
  int waits_for_answer;
  int came_too_late; /* a tick that was refused and is to be tried again */
  tocsin_token parked[MANY];
  int parked_count;
  pthread_t thread;
  int has_thread;
  tocsin_sink kept_sink;
  pthread_cond_t arrived;
  int arrivals;
  int lost_one;
} planted;

/* True if this is the fault to show: the name of the case that must find it. */
int bug(const char* name);
/* A function of the host's is there if its table is and is large enough. */
const void* find(planted* self, const char* id, size_t least);
#define FIND(SELF, TYPE, ID) ((const TYPE*)find(SELF, ID, sizeof(TYPE)))
int equal(tocsin_string text, const char* other);
/* Looks like JSON that has a "name": what the schema asks for. */
int has_name(tocsin_string settings);
tocsin_status fail(const tocsin_sink* error, const char* why);
void say(planted* self, const char* what);
tocsin_token next_token(planted* self);

/* True if another call came while this one was under way; once only. For a fault that loses one of two calls. */
int is_interrupted(planted* self);

/* throws.cpp: an exception that nobody catches. */
void throw_now(void);

/* always.c: what the kit's host notices in every case. */
void break_in_create(planted* self);
void break_in_start(planted* self, const tocsin_sink* error);
void break_in_open_source(planted* self);
void break_in_close_source(planted* self, tocsin_token source);
void break_in_stop(planted* self);

extern const tocsin_channel planted_channel;
extern const tocsin_source planted_source;
extern const tocsin_timer planted_timer;
extern const tocsin_doctor planted_doctor;
extern const tocsin_preset planted_preset;
extern const tocsin_subscriber planted_subscriber;
extern const tocsin_secret_store planted_secrets;
extern const tocsin_http_route planted_http_route;
extern const tocsin_health planted_health;
extern const tocsin_config planted_config;

#endif
