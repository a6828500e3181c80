// A test plugin that does one bad thing at one place, or none: then it is a channel that delivers everything at once.
//
// A test writes both into a copy of the file, over the blanks of chosen_at and chosen_deed:
// where: constructor, entry, create, get_extension, start, open, deliver, cancel, close, stop or destroy; with
//        TOCSIN_HOSTILE_MANY also source-open, source-close, fired, published, sub-open, sub-close, events, call,
//        diagnose, check, migrate, health, secrets-open, secrets-close or fetch; with TOCSIN_HOSTILE_CONFIG also check
//        or migrate
// what:  exit, exit-3, exit-crash (a handler of its own crashes at exit), quick-exit, leave (_exit), abort, crash,
//        fault, overflow, hang, hang-in-host (not in a trial), throw, fail, leave-thread, call-late (when it is
//        stopped), forge (says on every pipe that it passed its trial), look (writes down what it sees of its process),
//        sigpipe, term and kill (signals to itself), or find: a call that is for start() only
//
// It keeps to the plain C tables, since the SDK's wrapper would catch what it throws.
#include <tocsin/abi/entry.h>
#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/config.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/health.h>
#include <tocsin/abi/ext/http_route.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/abi/ext/services.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/ext/subscriber.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include <pthread.h>
#include <unistd.h>
#include <csignal>

#ifndef TOCSIN_HOSTILE_ID
#define TOCSIN_HOSTILE_ID TOCSIN_PLUGIN_ID
#endif
#ifndef TOCSIN_HOSTILE_VERSION
#define TOCSIN_HOSTILE_VERSION TOCSIN_PLUGIN_VERSION
#endif
#ifndef TOCSIN_HOSTILE_ABI
#define TOCSIN_HOSTILE_ABI TOCSIN_ABI_VERSION
#endif

namespace {

const tocsin_host* host = nullptr;
volatile int* volatile nowhere = nullptr;

__attribute__((used)) volatile const char chosen_at[] = "place=                ;";
__attribute__((used)) volatile const char chosen_deed[] = "deed=                ;";

// What stands between the sign of equality and the blanks.
std::string_view chosen(const volatile char* from, char (&into)[32]) {
  std::size_t size = 0;
  while (*from++ != '=') {
  }
  while (*from != ' ' && *from != ';') into[size++] = *from++;
  return {into, size};
}

template <std::size_t size>
tocsin_string text(const char (&literal)[size]) {
  return {literal, size - 1};
}

bool same(tocsin_string a, std::string_view b) { return std::string_view(a.data, a.size) == b; }

void* sleep_for_ever(void*) {
  while (true) ::pause();
}

std::atomic<bool> stopped = false;
pthread_t late_caller{};
bool calls_late = false;

void* call_once_stopped(void*) {
  stopped.wait(false);
  static_cast<const tocsin_host_timer*>(host->get_extension(host->context, text(TOCSIN_HOST_TIMER)))
      ->start(host->context, 1, 1);
  return nullptr;
}

void leave_thread() {
  pthread_t thread{};
  pthread_create(&thread, nullptr, &sleep_for_ever, nullptr);
  pthread_detach(thread);
}

void begin_late_caller() { calls_late = pthread_create(&late_caller, nullptr, &call_once_stopped, nullptr) == 0; }

// Its call comes after stop() returned, however fast the host ends.
void await_late_caller() {
  if (!calls_late) return;
  stopped = true;
  stopped.notify_all();
  pthread_join(late_caller, nullptr);
}

// Leaves a file behind wherever it is called, so that a test can tell what ran.
void leave_mark(const char* at) {
  // A trial process does not get the first, but gets the second.
  const char* folder = std::getenv("TOCSIN_TEST_MARKS");
  const char* temporary = std::getenv("TMPDIR");
  if (!folder && !temporary) return;
  char name[4096];
  std::snprintf(name, sizeof(name), "%s/%s%s.%s", folder ? folder : temporary, folder ? "" : "tocsin-test-marks/",
                TOCSIN_PLUGIN_ID, at);
  if (std::FILE* file = std::fopen(name, "a")) {
    std::fputs("x", file);
    std::fclose(file);
  }
}

int overflow(int depth) {
  volatile char space[4096] = {};
  return depth < 0 ? space[0] : overflow(depth + 1) + space[1];
}

[[noreturn]] void forge_a_trial() {
  constexpr std::string_view said = "stage constructor\nstage entry\nstage create\nstage start\npassed\n";
  for (int pipe = 3; pipe < 1024; ++pipe)
    if (::write(pipe, said.data(), said.size()) < 0) continue;
  ::_exit(0);
}

void copy(std::FILE* to, const char* heading, const char* from) {
  std::fprintf(to, "\n[%s]\n", heading);
  std::FILE* file = std::fopen(from, "r");
  for (int c = file ? std::fgetc(file) : EOF; c != EOF; c = std::fgetc(file)) std::fputc(c == 0 ? '\n' : c, to);
  if (file) std::fclose(file);
}

// Environment, arguments, signals and open files, as a file beside the marks.
void look_around() {
  const char* temporary = std::getenv("TMPDIR");
  char name[4096];
  std::snprintf(name, sizeof(name), "%s/tocsin-test-marks/%s.trial", temporary ? temporary : ".", TOCSIN_PLUGIN_ID);
  std::FILE* seen = std::fopen(name, "wx");  // the first that runs it is its trial
  if (!seen) return;
  std::fputs("[environment]\n", seen);
  for (char** at = environ; *at; ++at) std::fprintf(seen, "%s\n", *at);
  copy(seen, "arguments", "/proc/self/cmdline");
  copy(seen, "status", "/proc/self/status");
  std::fputs("\n[files]\n", seen);
  for (int number = 0; number < 1024; ++number) {
    char link[64];
    char target[1024];
    std::snprintf(link, sizeof(link), "/proc/self/fd/%d", number);
    const ssize_t size = number == ::fileno(seen) ? -1 : ::readlink(link, target, sizeof(target) - 1);
    if (size > 0) std::fprintf(seen, "%d %.*s\n", number, static_cast<int>(size), target);
  }
  std::fclose(seen);
}

void write_to_nobody() {
  int ends[2];
  if (::pipe(ends) != 0) return;
  ::close(ends[0]);
  if (::write(ends[1], "x", 1) < 0) leave_mark("sigpipe");
  ::close(ends[1]);
}

// True: it shall fail here.
bool misbehave(const char* at) {
  leave_mark(at);
  char space[32];
  if (chosen(chosen_at, space) != at) return false;
  const std::string_view does = chosen(chosen_deed, space);
  if (does == "exit") std::exit(0);
  if (does == "exit-3") std::exit(3);
  if (does == "exit-crash") {
    std::atexit([] { *nowhere = 1; });
    std::exit(3);
  }
  if (does == "quick-exit") std::quick_exit(3);
  if (does == "forge") forge_a_trial();
  if (does == "look") look_around();
  if (does == "sigpipe") write_to_nobody();
  if (does == "term") std::raise(SIGTERM);
  if (does == "kill") std::raise(SIGKILL);
  if (does == "leave") ::_exit(0);
  if (does == "abort") std::abort();
  if (does == "fault") *nowhere = 1;
  if (does == "overflow") return overflow(0) == 1;
  if (does == "crash") std::raise(SIGSEGV);
  if (does == "hang")
    while (true) ::pause();
  if (does == "hang-in-host" && std::getenv("TOCSIN_TEST_MARKS") != nullptr)
    while (true) ::pause();
  if (does == "throw") throw std::runtime_error("thrown across the ABI");
  if (does == "find") {
    const auto* services =
        static_cast<const tocsin_host_services*>(host->get_extension(host->context, text(TOCSIN_HOST_SERVICES)));
    tocsin_service found{};
    found.struct_size = sizeof(found);
    services->find(host->context, text("tocsin.stream/1-draft"), &found);
  }
  if (does == "leave-thread") leave_thread();
  if (does == "call-late") begin_late_caller();
  return does == "fail";
}

tocsin_status answer(bool fails, const tocsin_sink* error) {
  constexpr std::string_view why = "it was built to fail";
  if (!fails) return TOCSIN_OK;
  if (error) error->write(error->context, {reinterpret_cast<const std::uint8_t*>(why.data()), why.size()});
  return TOCSIN_FAILED;
}

tocsin_status channel_open(void*, const tocsin_endpoint*, tocsin_endpoint_info* info, const tocsin_sink* error) {
  static std::uint64_t last = 0;
  info->token = {++last, 1};
  info->slots = 4;
  return answer(misbehave("open"), error);
}

void channel_close(void*, tocsin_token) { misbehave("close"); }

void channel_deliver(void*, const tocsin_message* const* messages, std::uint64_t count) {
  misbehave("deliver");
  const auto* complete =
      static_cast<const tocsin_host_complete*>(host->get_extension(host->context, text(TOCSIN_HOST_COMPLETE)));
  for (std::uint64_t index = 0; index < count; ++index) {
    tocsin_outcome done{};
    done.struct_size = sizeof(done);
    done.outcome_class = TOCSIN_CLASS_DELIVERED;
    done.delivery = messages[index]->delivery;
    done.code = text("OK");
    done.retry_after_ms = -1;
    const tocsin_outcome* one = &done;
    complete->complete(host->context, &one, 1);
  }
}

void channel_cancel(void*, const tocsin_token*, std::uint64_t) { misbehave("cancel"); }

const tocsin_channel channel{sizeof(tocsin_channel), 0, &channel_open, &channel_close, &channel_deliver,
                             &channel_cancel};

#ifdef TOCSIN_HOSTILE_MANY
template <class Table>
const Table* of_host(tocsin_string id) {
  return static_cast<const Table*>(host->get_extension(host->context, id));
}

tocsin_status source_open(void*, const tocsin_source_config*, tocsin_token* source, const tocsin_sink* error) {
  static std::uint64_t last = 0;
  *source = {++last, 1};
  of_host<tocsin_host_timer>(text(TOCSIN_HOST_TIMER))->start(host->context, last, 0);
  return answer(misbehave("source-open"), error);
}

void source_close(void*, tocsin_token) { misbehave("source-close"); }
void source_published(void*, tocsin_token, std::uint64_t, const tocsin_publish_result*) { misbehave("published"); }

// Each source publishes one event of its own as soon as it is open.
void timer_fired(void*, std::uint64_t id) {
  misbehave("fired");
  tocsin_event event{};
  event.struct_size = sizeof(event);
  event.id = text("fired");
  event.source = text("/" TOCSIN_PLUGIN_ID);
  event.type = text("hostile.fired");
  const tocsin_event* one = &event;
  const tocsin_status taken = of_host<tocsin_host_publish>(text(TOCSIN_HOST_PUBLISH))
                                  ->publish(host->context, {id, 1}, id, &one, 1, nullptr, 0, nullptr);
  // The timer may be faster than the host is at hearing the source's name from source_open().
  if (taken != TOCSIN_OK) of_host<tocsin_host_timer>(text(TOCSIN_HOST_TIMER))->start(host->context, id, 1);
}

tocsin_status subscriber_open(void*, const tocsin_subscription*, tocsin_token* subscription, const tocsin_sink* error) {
  *subscription = {1, 1};
  return answer(misbehave("sub-open"), error);
}

void subscriber_close(void*, tocsin_token) { misbehave("sub-close"); }

void subscriber_events(void*, tocsin_token, const tocsin_event* const*, std::uint64_t, std::uint64_t) {
  misbehave("events");
}

void route_call(void*, const tocsin_http_call* call) {
  misbehave("call");
  tocsin_http_answer done{};
  done.struct_size = sizeof(done);
  done.status = 200;
  of_host<tocsin_host_http_answer>(text(TOCSIN_HOST_HTTP_ANSWER))->answer(host->context, call->call, &done);
}

// A diagnosis of one good stage.
tocsin_status doctor_diagnose(void*, const tocsin_diagnosis* request, const tocsin_sink* error) {
  if (misbehave("diagnose")) return answer(true, error);
  const auto* reports = of_host<tocsin_host_doctor>(text(TOCSIN_HOST_DOCTOR));
  tocsin_stage stage{};
  stage.struct_size = sizeof(stage);
  stage.ok = 1;
  stage.stage = text("settings");
  stage.code = text("OK");
  reports->stage(host->context, request->run, &stage);
  reports->done(host->context, request->run);
  return TOCSIN_OK;
}

void config_check(void*, const tocsin_config_input*, const tocsin_finding_report*) { misbehave("check"); }

tocsin_status config_migrate(void*, const tocsin_config_input*, const tocsin_sink*, const tocsin_finding_report*) {
  return misbehave("migrate") ? TOCSIN_FAILED : TOCSIN_UNSUPPORTED;
}

tocsin_health_state health_check(void*, const tocsin_sink*) {
  return misbehave("health") ? TOCSIN_HEALTH_FAILING : TOCSIN_HEALTH_GOOD;
}

tocsin_status secrets_open(void*, const tocsin_secret_store_config*, tocsin_token* store, const tocsin_sink* error) {
  *store = {1, 1};
  return answer(misbehave("secrets-open"), error);
}

void secrets_close(void*, tocsin_token) { misbehave("secrets-close"); }

void secrets_fetch(void*, tocsin_token, tocsin_token request, tocsin_string) {
  tocsin_secret_answer found{};
  found.struct_size = sizeof(found);
  found.status = misbehave("fetch") ? TOCSIN_UNAVAILABLE : TOCSIN_OK;
  found.value = {reinterpret_cast<const std::uint8_t*>("hidden"), 6};
  found.valid_ms = -1;
  of_host<tocsin_host_secret_answer>(text(TOCSIN_HOST_SECRET_ANSWER))->answer(host->context, request, &found);
}

const tocsin_doctor doctor{sizeof(tocsin_doctor), 0, &doctor_diagnose};
const tocsin_config config{sizeof(tocsin_config), 0, &config_check, &config_migrate};
const tocsin_health health{sizeof(tocsin_health), 0, &health_check};
const tocsin_secret_store secrets{sizeof(tocsin_secret_store), 0, &secrets_open, &secrets_close, &secrets_fetch};
const tocsin_source source{sizeof(tocsin_source), 0, &source_open, &source_close, &source_published};
const tocsin_timer timer{sizeof(tocsin_timer), 0, &timer_fired};
const tocsin_subscriber subscriber{sizeof(tocsin_subscriber), 0, &subscriber_open, &subscriber_close,
                                   &subscriber_events};
const tocsin_http_route route{sizeof(tocsin_http_route), 0, &route_call};
#endif

#ifdef TOCSIN_HOSTILE_CONFIG
void config_check(void*, const tocsin_config_input*, const tocsin_finding_report*) { misbehave("check"); }

tocsin_status config_migrate(void*, const tocsin_config_input*, const tocsin_sink* settings,
                             const tocsin_finding_report*) {
  misbehave("migrate");
  constexpr std::string_view made = "{}";
  settings->write(settings->context, {reinterpret_cast<const std::uint8_t*>(made.data()), made.size()});
  return TOCSIN_OK;
}

const tocsin_config config{sizeof(tocsin_config), 0, &config_check, &config_migrate};
#endif

const void* get_extension(void*, tocsin_string id) {
  misbehave("get_extension");
#ifdef TOCSIN_HOSTILE_CONFIG
  if (same(id, TOCSIN_EXT_CONFIG)) return &config;
#endif
#ifdef TOCSIN_HOSTILE_MANY
  if (same(id, TOCSIN_EXT_SOURCE)) return &source;
  if (same(id, TOCSIN_EXT_TIMER)) return &timer;
  if (same(id, TOCSIN_EXT_SUBSCRIBER)) return &subscriber;
  if (same(id, TOCSIN_EXT_HTTP_ROUTE)) return &route;
  if (same(id, TOCSIN_EXT_DOCTOR)) return &doctor;
  if (same(id, TOCSIN_EXT_CONFIG)) return &config;
  if (same(id, TOCSIN_EXT_HEALTH)) return &health;
  if (same(id, TOCSIN_EXT_SECRETS)) return &secrets;
#endif
#ifndef TOCSIN_HOSTILE_LACKS_CHANNEL
  if (same(id, TOCSIN_EXT_CHANNEL)) return &channel;
#endif
#ifdef TOCSIN_HOSTILE_EXTRA
  if (same(id, TOCSIN_HOSTILE_EXTRA)) return &channel;
#endif
  return nullptr;
}

tocsin_status start(void*, const tocsin_sink* error) { return answer(misbehave("start"), error); }
void stop(void*) { misbehave("stop"); }
void destroy(void*) {
  misbehave("destroy");
  await_late_caller();
}

const tocsin_plugin plugin{sizeof(tocsin_plugin), 0, nullptr, &get_extension, &start, &stop, &destroy};

tocsin_status create(const tocsin_host* given, const tocsin_plugin** made, const tocsin_sink* error) {
  host = given;
  if (misbehave("create")) return answer(true, error);
  *made = &plugin;
  return TOCSIN_OK;
}

__attribute__((constructor)) void construct() { misbehave("constructor"); }

}  // namespace

#ifndef TOCSIN_HOSTILE_NO_ENTRY
extern "C" TOCSIN_EXPORT const tocsin_entry* tocsin_plugin_entry_v1() {
  static const tocsin_entry entry{sizeof(tocsin_entry), TOCSIN_HOSTILE_ABI, text(TOCSIN_HOSTILE_ID),
                                  text(TOCSIN_HOSTILE_VERSION), &create};
  return misbehave("entry") ? nullptr : &entry;
}
#endif
