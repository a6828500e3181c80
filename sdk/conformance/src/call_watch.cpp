// SPDX-License-Identifier: Apache-2.0
// Compares the begin of each call with the clock and with /proc/PID/task/*/schedstat.
#include "sdk/conformance/src/call_watch.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>

namespace tocsin::conformance {
namespace {

namespace fs = std::filesystem;

// How long the threads that live have waited, ready to run, for a processor. 0 where the system does not count it.
std::int64_t waited_for_processor(pid_t process) {
  std::int64_t sum = 0;
  std::error_code gone;
  const fs::path tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& one : fs::directory_iterator(tasks, gone)) {
    std::ifstream file(one.path() / "schedstat");
    std::int64_t ran = 0;
    std::int64_t waited = 0;
    if (file >> ran >> waited) sum += waited;
  }
  return sum;
}

}  // namespace

call_watch::call_watch(pid_t process, const shared_marks& marks, std::chrono::milliseconds limit)
    : process_(process), marks_(marks), limit_ns_(std::chrono::nanoseconds(limit).count()) {}

std::string call_watch::overdue() {
  const std::int64_t now = blackbox::clock_ns();
  for (std::size_t index = 0; index < seen_.size(); ++index) {
    seen_call& seen = seen_[index];
    const std::int64_t since = marks_.since_ns[index].load(std::memory_order_acquire);
    if (since == 0) {
      seen = {};
    } else if (since != seen.since_ns) {
      seen = {since, waited_for_processor(process_)};
    } else if (now - since > limit_ns_) {
      // A thread that has ended takes its time with it, so that the sum may fall.
      const std::int64_t waited = waited_for_processor(process_) - seen.waited_ns;
      if (now - since - (waited > 0 ? waited : 0) <= limit_ns_) continue;
      const auto& name = marks_.calls[index];
      return {name.data(), strnlen(name.data(), name.size())};
    }
  }
  return {};
}

}  // namespace tocsin::conformance
