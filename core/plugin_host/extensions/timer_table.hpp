// The timers that one plugin has running.
#pragma once

#include "core/runtime/clock.hpp"

#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace tocsin {

// [any thread]
class timer_table {
 public:
  // due(id, run) is called by the clock when a timer's time has come; it hands on to where take() is asked.
  using due_handler = std::function<void(std::uint64_t id, std::uint64_t run)>;

  // Starting a timer that runs sets it anew.
  void start(tocsin::clock& clock, std::uint64_t id, std::chrono::milliseconds delay, due_handler due);
  void cancel(tocsin::clock& clock, std::uint64_t id);
  // True once, if this run of the timer was neither cancelled nor started anew since.
  bool take(std::uint64_t id, std::uint64_t run);
  void cancel_all(tocsin::clock& clock);

 private:
  struct entry {
    std::uint64_t run = 0;
    clock::timer timer = clock::timer::none;
  };
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, entry> entries_;
  std::uint64_t last_run_ = 0;
};

}  // namespace tocsin
