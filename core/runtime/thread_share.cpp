// Counts the threads that are taken, and hands one that is given back to whoever waits longest.
#include "core/runtime/thread_share.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {

thread_share::thread_share(executor& pool, std::size_t most) : pool_(pool), most_(std::max<std::size_t>(most, 1)) {}

bool thread_share::enter() {
  const std::lock_guard lock(mutex_);
  if (taken_ >= most_) return false;
  ++taken_;
  return true;
}

void thread_share::leave() {
  std::function<void()> next;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      --taken_;
      return;
    }
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  run(std::move(next));
}

void thread_share::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (taken_ >= most_) {
      waiting_.push_back(std::move(task));
      return;
    }
    ++taken_;
  }
  run(std::move(task));
}

void thread_share::drop_waiting() {
  std::deque<std::function<void()>> dropped;  // destroyed after the lock is gone
  const std::lock_guard lock(mutex_);
  dropped.swap(waiting_);
}

// A thread is taken for it.
void thread_share::run(std::function<void()> task) {
  pool_.post([this, task = std::move(task)]() mutable {
    task();
    task = nullptr;
    leave();
  });
}

}  // namespace tocsin
