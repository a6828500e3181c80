// SPDX-License-Identifier: Apache-2.0
// What a case writes down while it runs: breaches, and which call is under way on which thread, so that a crash, an
// exit or a hang can be told by the process that watches.
#pragma once

#include "sdk/conformance/src/law.hpp"

#include <tocsin/abi/ext/thread_check.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::conformance {

// Memory that the process of a case shares with the one that watches it.
struct shared_marks {
  static constexpr std::size_t threads = 16;
  static constexpr std::size_t length = 96;
  std::array<std::array<char, length>, threads> calls;      // the call under way on a thread of the kit's; empty: none
  std::array<std::atomic<std::int64_t>, threads> since_ns;  // by clock_ns(), when it began; 0: none
  std::array<char, length> last_call;                       // in which a signal came or exit() was called
  std::array<char, 256> note;                               // what the faulting address was
  int signal;
  int exit_called;
};

namespace blackbox {

// kind: 'b' breach {what, law, header, tag, call}, 's' skipped {why}, 'l' log line, 'e' the case has ended.
using record_handler = std::function<void(char kind, const std::vector<std::string>& fields)>;

// Where records and marks go. marks may be null. Once a case, before any thread of the case's is made.
void open(record_handler to, shared_marks* marks);
// Catches fatal signals and exit(). For a process that runs one case.
void watch_process();

// The one clock that several processes share.
std::int64_t clock_ns();

// [any thread] in_call: the call that it is about; null: the one under way on this thread.
void breach(const law& broken, std::string_view what, const char* in_call = nullptr);
void log(std::string_view line);
void skip(std::string_view why);
bool has_breach();
void end();

// While it lives, this thread is within a call of the host's to the plugin. name is a literal.
class call_mark {
 public:
  call_mark(const char* name, tocsin_thread_kind kind);
  ~call_mark();
  call_mark(const call_mark&) = delete;
  call_mark& operator=(const call_mark&) = delete;

 private:
  const char* before_;
  std::int64_t since_before_;
  tocsin_thread_kind kind_before_;
};

tocsin_thread_kind current_kind();
const char* current_call();  // "": none

}  // namespace blackbox

}  // namespace tocsin::conformance
