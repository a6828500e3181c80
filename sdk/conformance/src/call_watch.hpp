// SPDX-License-Identifier: Apache-2.0
// Watches, from outside, how long the process of a case has been within one call to the plugin.
#pragma once

#include "sdk/conformance/src/blackbox.hpp"

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

namespace tocsin::conformance {

// A call's time is that of the clock, less what the process's threads had to wait for a processor: on a machine with
// other work a call that is slow for that reason alone is not taken for one that hangs.
class call_watch {
 public:
  call_watch(pid_t process, const shared_marks& marks, std::chrono::milliseconds limit);

  // The call that has lasted longer than the limit; empty: none. Ask it every few milliseconds.
  std::string overdue();

 private:
  struct seen_call {
    std::int64_t since_ns = 0;  // 0: none
    std::int64_t waited_ns = 0;
  };

  pid_t process_;
  const shared_marks& marks_;
  std::int64_t limit_ns_;
  std::array<seen_call, shared_marks::threads> seen_{};
};

}  // namespace tocsin::conformance
