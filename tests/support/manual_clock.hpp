// A clock that stands still until a test turns it.
#pragma once

#include "core/runtime/clock.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace tocsin::test {

// Timers fire in advance(), on the thread that calls it, in the order in which they are due.
class manual_clock final : public clock {
 public:
  // 2026-01-05T08:00:00Z, a Monday.
  static constexpr time_ms start_time = 1'767'600'000'000;

  explicit manual_clock(time_ms start = start_time) : now_(start) {}

  time_ms now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  std::chrono::nanoseconds monotonic() const override {
    const std::lock_guard lock(mutex_);
    return elapsed_;
  }

  timer after(std::chrono::milliseconds delay, callback fn) override {
    const std::lock_guard lock(mutex_);
    const auto at = elapsed_ + std::max(delay, std::chrono::milliseconds{0});
    due_.emplace(std::pair{std::chrono::nanoseconds(at), ++last_id_}, std::move(fn));
    return timer{last_id_};
  }

  bool cancel(timer id) override {
    const std::lock_guard lock(mutex_);
    for (auto at = due_.begin(); at != due_.end(); ++at) {
      if (at->first.second != static_cast<std::uint64_t>(id)) continue;
      due_.erase(at);
      return true;
    }
    return false;
  }

  // Let time pass; every timer that becomes due on the way is fired at its time.
  void advance(std::chrono::milliseconds by) {
    std::unique_lock lock(mutex_);
    const auto end = elapsed_ + by;
    while (!due_.empty() && due_.begin()->first.first <= end) {
      auto entry = due_.extract(due_.begin());
      move_to(std::max(elapsed_, entry.key().first));
      lock.unlock();
      entry.mapped()();
      lock.lock();
    }
    move_to(end);
  }

  // The wall clock jumps (an administrator sets it); timers do not.
  void jump(std::chrono::milliseconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by.count();
  }

  std::size_t timers() const {
    const std::lock_guard lock(mutex_);
    return due_.size();
  }
  // How long until the next timer; nothing if there is none.
  std::optional<std::chrono::milliseconds> next_timer() const {
    const std::lock_guard lock(mutex_);
    if (due_.empty()) return std::nullopt;
    return std::chrono::ceil<std::chrono::milliseconds>(due_.begin()->first.first - elapsed_);
  }

 private:
  void move_to(std::chrono::nanoseconds point) {
    const auto by = std::chrono::duration_cast<std::chrono::milliseconds>(point - elapsed_);
    now_ += by.count();
    elapsed_ = point;
  }

  mutable std::mutex mutex_;
  time_ms now_;
  std::chrono::nanoseconds elapsed_{0};
  std::map<std::pair<std::chrono::nanoseconds, std::uint64_t>, callback> due_;
  std::uint64_t last_id_ = 0;
};

}  // namespace tocsin::test
