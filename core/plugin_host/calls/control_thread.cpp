// Hands calls to the thread one at a time, and gives the thread up once one of them is overdue.
#include "core/plugin_host/calls/control_thread.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace tocsin {

// Shared with the thread, which may outlive the control_thread when it is left behind.
struct control_thread::shared {
  std::mutex turn;  // held by whoever waits for a call, so that they come one at a time
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> call;  // null: none waits
  bool done = false;           // the call has returned or thrown
  bool threw = false;
  bool lost = false;   // a call is overdue
  bool ended = false;  // the thread shall end
  std::thread thread;

  void serve() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return call || ended; });
      if (!call) return;
      auto made = std::exchange(call, nullptr);
      lock.unlock();
      bool failed = false;
      try {
        made();
      } catch (...) {
        failed = true;
      }
      made = nullptr;
      lock.lock();
      done = true;
      threw = failed;
      if (lost) return;
      changed.notify_all();
    }
  }
};

control_thread::control_thread() : shared_(std::make_shared<shared>()) {
  shared_->thread = std::thread([own = shared_] { own->serve(); });
}

control_thread::~control_thread() { end(); }

control_thread::ending control_thread::run(std::function<void()> call, std::chrono::milliseconds limit) {
  shared& own = *shared_;
  if (std::this_thread::get_id() == own.thread.get_id()) {
    try {
      call();
    } catch (...) {
      return ending::threw;
    }
    return ending::returned;
  }
  const std::lock_guard turn(own.turn);
  std::unique_lock lock(own.mutex);
  if (own.lost || own.ended) return ending::lost;
  own.call = std::move(call);
  own.done = false;
  own.threw = false;
  own.changed.notify_all();
  if (own.changed.wait_for(lock, limit, [&own] { return own.done; }))
    return own.threw ? ending::threw : ending::returned;
  own.lost = true;
  own.thread.detach();
  return ending::hung;
}

bool control_thread::is_lost() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->lost;
}

void control_thread::end() {
  const std::lock_guard turn(shared_->turn);
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->lost || shared_->ended) return;
    shared_->ended = true;
    shared_->changed.notify_all();
  }
  shared_->thread.join();
}

}  // namespace tocsin
