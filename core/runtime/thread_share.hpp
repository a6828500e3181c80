// How many threads of the pool one user of it may hold at a time, so that one that is slow leaves some to the others.
#pragma once

#include "core/runtime/executor.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace tocsin {

// Outlives its tasks. [any thread]
class thread_share {
 public:
  // most: at least 1.
  thread_share(executor& pool, std::size_t most);

  // Takes a thread of the share for what the caller does on the one that it is on; leave() gives it back. False: all
  // are taken; hand the work to post().
  bool enter();
  void leave();
  // Runs the task on the pool as soon as a thread of the share is free; in the order of these calls.
  void post(std::function<void()> task);
  // Forgets what waits for a thread: those that are taken do not come back.
  void drop_waiting();

 private:
  void run(std::function<void()> task);

  executor& pool_;
  const std::size_t most_;
  std::mutex mutex_;
  std::size_t taken_ = 0;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace tocsin
