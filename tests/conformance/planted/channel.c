/* The planted plugin's channel: takes everything at once, unless its fault needs deliveries that wait. */
#define _GNU_SOURCE
#include "tests/conformance/planted/planted.h"

static const char* long_text(void) {
  static char text[9000];
  memset(text, 'x', sizeof(text));
  return text;
}

static void complete(planted* self, tocsin_token delivery, tocsin_outcome_class result, tocsin_string code,
                     tocsin_string detail) {
  const tocsin_host_complete* host = FIND(self, tocsin_host_complete, TOCSIN_HOST_COMPLETE);
  tocsin_outcome outcome;
  const tocsin_outcome* all = &outcome;
  if (host == NULL) return;
  memset(&outcome, 0, sizeof(outcome));
  outcome.struct_size = bug("outcome.struct_size") ? 4 : sizeof(outcome);
  outcome.outcome_class = result;
  outcome.delivery = delivery;
  outcome.code = code;
  outcome.detail = detail;
  if (bug("outcome.transcript")) outcome.transcript = (tocsin_string){long_text(), 9000};
  outcome.retry_after_ms = -1;
  host->complete(self->host->context, &all, 1);
}

static tocsin_status open_endpoint(void* object, const tocsin_endpoint* endpoint, tocsin_endpoint_info* info,
                                   const tocsin_sink* error) {
  planted* self = object;
  if (!has_name(endpoint->settings)) return fail(error, "name is not set; give it a name");
  pthread_mutex_lock(&self->mutex);
  info->token = next_token(self);
  pthread_mutex_unlock(&self->mutex);
  if (bug("channel.open-close")) memset(&info->token, 0, sizeof(info->token));
  info->slots = 4;
  return TOCSIN_OK;
}

static void close_endpoint(void* object, tocsin_token endpoint) {
  planted* self = object;
  int index;
  (void)endpoint;
  if (bug("channel.close-with-outstanding")) return;
  for (index = 0; index < self->parked_count; ++index)
    complete(self, self->parked[index], TOCSIN_CLASS_RETURNED, TEXT(""), TEXT(""));
  self->parked_count = 0;
}

static int parks(void) {
  return bug("channel.close-with-outstanding") || bug("channel.stop-with-outstanding") || bug("channel.cancel-at-once");
}

static void deliver(void* object, const tocsin_message* const* messages, uint64_t count) {
  planted* self = object;
  uint64_t index;
  if (bug("throws.in-deliver")) throw_now();
  for (index = 0; index < count; ++index) {
    const tocsin_token delivery = messages[index]->delivery;
    if (parks() && self->parked_count < MANY) {
      self->parked[self->parked_count++] = delivery;
      continue;
    }
    if (bug("forgotten")) continue;
    if (bug("channel.batch") && index > 0) continue;
    if (bug("channel.deliver-hostile-text") && strlen(messages[index]->subject.data) > 100) continue;
    if (bug("threads.several-endpoints-at-once") && is_interrupted(self)) continue;
    if (bug("channel.outcome-is-sane")) {
      complete(self, delivery, 17, TEXT("MADE_UP"), TEXT("two\nlines"));
      continue;
    }
    complete(self, delivery, TOCSIN_CLASS_DELIVERED, TEXT("OK"), TEXT(""));
    if (bug("channel.completes-each-once")) complete(self, delivery, TOCSIN_CLASS_DELIVERED, TEXT("OK"), TEXT(""));
  }
}

static void cancel(void* object, const tocsin_token* deliveries, uint64_t count) {
  planted* self = object;
  uint64_t index;
  if (bug("channel.cancel-at-once")) self->parked_count = 0;
  if (!bug("channel.cancel-during") && !bug("channel.cancel-unknown")) return;
  for (index = 0; index < count; ++index) complete(self, deliveries[index], TOCSIN_CLASS_RETURNED, TEXT(""), TEXT(""));
}

const tocsin_channel planted_channel = {sizeof(tocsin_channel), 0, open_endpoint, close_endpoint, deliver, cancel};
