// SPDX-License-Identifier: Apache-2.0
// A thread of the kit's that makes [worker] calls one at a time, now or later by the kit's clock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace tocsin::conformance {

// The kit's own threads, which are no plugin's.
std::set<int> kit_threads();
// The thread that calls this is the kit's.
void join_kit_threads();

class kit_worker {
 public:
  kit_worker();
  ~kit_worker();
  kit_worker(const kit_worker&) = delete;
  kit_worker& operator=(const kit_worker&) = delete;

  void post(std::function<void()> task, std::chrono::milliseconds delay = {});
  // What is posted with a delay is due so much earlier.
  void advance(std::chrono::milliseconds by);
  // Waits until nothing runs and nothing is due.
  void settle();
  // Nothing runs, and nothing will by itself.
  bool idle();
  // Drops what is not due, runs what is, and takes no more until open().
  void shut();
  void open();

 private:
  using clock = std::chrono::steady_clock;
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<clock::time_point, std::function<void()>> tasks_;
  std::chrono::milliseconds ahead_{};
  bool busy_ = false;
  bool shut_ = false;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace tocsin::conformance
