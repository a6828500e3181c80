// SPDX-License-Identifier: Apache-2.0
// Runs what is due, in the order in which it is due.
#include "sdk/conformance/src/worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace tocsin::conformance {
namespace {

struct thread_register {
  std::mutex mutex;
  std::set<int> ids;
};

thread_register& known() {
  static auto* kept = new thread_register;
  return *kept;
}

}  // namespace

std::set<int> kit_threads() {
  const std::lock_guard lock(known().mutex);
  return known().ids;
}

void join_kit_threads() {
  const std::lock_guard lock(known().mutex);
  known().ids.insert(gettid());
}

kit_worker::kit_worker() : thread_([this] { run(); }) {}

kit_worker::~kit_worker() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void kit_worker::post(std::function<void()> task, std::chrono::milliseconds delay) {
  {
    const std::lock_guard lock(mutex_);
    if (shut_) return;
    // A delay that would not fit is as good as never.
    constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365);
    tasks_.emplace(clock::now() + ahead_ + std::min(delay, longest), std::move(task));
  }
  changed_.notify_all();
}

void kit_worker::advance(std::chrono::milliseconds by) {
  {
    const std::lock_guard lock(mutex_);
    ahead_ += by;
  }
  changed_.notify_all();
}

void kit_worker::settle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !busy_ && (tasks_.empty() || tasks_.begin()->first > clock::now() + ahead_); });
}

bool kit_worker::idle() {
  const std::lock_guard lock(mutex_);
  return !busy_ && tasks_.empty();
}

void kit_worker::shut() {
  std::unique_lock lock(mutex_);
  shut_ = true;
  tasks_.erase(tasks_.upper_bound(clock::now() + ahead_), tasks_.end());
  changed_.wait(lock, [this] { return !busy_ && tasks_.empty(); });
}

void kit_worker::open() {
  const std::lock_guard lock(mutex_);
  shut_ = false;
}

void kit_worker::run() {
  join_kit_threads();
  std::unique_lock lock(mutex_);
  while (!over_) {
    if (tasks_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto due = tasks_.begin()->first - ahead_;
    if (due > clock::now()) {
      changed_.wait_until(lock, due);
      continue;
    }
    auto task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    busy_ = true;
    lock.unlock();
    task();
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace tocsin::conformance
