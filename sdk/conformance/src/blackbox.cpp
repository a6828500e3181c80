// SPDX-License-Identifier: Apache-2.0
// Keeps the marks that outlive the process of a case.
#include "sdk/conformance/src/blackbox.hpp"

#include "sdk/conformance/src/lent.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace tocsin::conformance::blackbox {
namespace {

struct state {
  std::mutex mutex;
  record_handler to;
  shared_marks* marks = nullptr;
  std::atomic<bool> broken{false};
  std::atomic<std::size_t> next_slot{0};
};

state& box() {
  static auto* kept = new state;
  return *kept;
}

thread_local const char* call = "";
thread_local std::int64_t since = 0;
thread_local tocsin_thread_kind kind = TOCSIN_THREAD_OTHER;
thread_local std::size_t slot = shared_marks::threads;  // none yet

template <std::size_t Size>
void put(std::array<char, Size>& into, const char* text) {
  std::strncpy(into.data(), text, Size - 1);
}

void mark() {
  shared_marks* marks = box().marks;
  if (marks == nullptr) return;
  if (slot == shared_marks::threads) slot = box().next_slot++ % shared_marks::threads;
  put(marks->calls[slot], call);
  marks->since_ns[slot].store(since, std::memory_order_release);
}

void record(char what, const std::vector<std::string>& fields) {
  const std::lock_guard lock(box().mutex);
  if (box().to) box().to(what, fields);
}

void on_signal(int number, siginfo_t* about, void*) {
  if (shared_marks* marks = box().marks) {
    marks->signal = number;
    put(marks->last_call, call);
    const bool has_address = number == SIGSEGV || number == SIGBUS;
    put(marks->note, has_address ? describe_address(about->si_addr) : "");
  }
  signal(number, SIG_DFL);
  raise(number);
}

void on_exit() {
  if (shared_marks* marks = box().marks) {
    marks->exit_called = 1;
    put(marks->last_call, call);
  }
  _exit(0);
}

}  // namespace

void open(record_handler to, shared_marks* marks) {
  state& all = box();
  all.to = std::move(to);
  all.marks = marks;
  all.broken = false;
  all.next_slot = 0;
  slot = shared_marks::threads;
}

void watch_process() {
  static std::array<char, 64 * 1024> stack;
  stack_t alternative{};
  alternative.ss_sp = stack.data();
  alternative.ss_size = stack.size();
  sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) sigaction(number, &action, nullptr);
  std::atexit(on_exit);
}

std::int64_t clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void breach(const law& broken, std::string_view what, const char* in_call) {
  box().broken = true;
  record('b', {std::string(what), broken.text, broken.header, broken.tag, in_call == nullptr ? call : in_call});
}

void log(std::string_view line) { record('l', {std::string(line)}); }
void skip(std::string_view why) { record('s', {std::string(why)}); }
bool has_breach() { return box().broken; }
void end() { record('e', {}); }

call_mark::call_mark(const char* name, tocsin_thread_kind as)
    : before_(call), since_before_(since), kind_before_(kind) {
  call = name;
  since = clock_ns();
  kind = as;
  mark();
}

call_mark::~call_mark() {
  call = before_;
  since = since_before_;
  kind = kind_before_;
  mark();
}

tocsin_thread_kind current_kind() { return kind; }
const char* current_call() { return call; }

}  // namespace tocsin::conformance::blackbox
