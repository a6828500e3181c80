// A thread that wakes a few times within the limit.
#include "core/plugin_host/calls/call_watchdog.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace tocsin {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_pause{20};
constexpr milliseconds longest_pause{1000};

// The innermost call of each thread.
std::map<std::int64_t, call_record> innermost_calls() {
  std::map<std::int64_t, call_record> innermost;
  for (call_record& call : calls_under_way()) {  // in the order in which they began
    const std::int64_t thread = call.thread_id;
    innermost.insert_or_assign(thread, std::move(call));
  }
  return innermost;
}

}  // namespace

struct call_watchdog::impl {
  impl(milliseconds limit_, const tocsin::clock* clock_, std::function<void(const call_record&)> overdue_)
      : limit(limit_), clock(clock_), overdue(std::move(overdue_)), thread([this] { watch(); }) {}

  void watch() {
    const milliseconds pause = std::clamp(limit / 4, shortest_pause, longest_pause);
    std::set<std::uint64_t> reported;
    std::unique_lock lock(mutex);
    while (!changed.wait_for(lock, pause, [this] { return ended; })) {
      lock.unlock();
      for (const auto& [id, call] : innermost_calls()) {
        if (call.thread == call_thread::control || clock->monotonic() - call.begun < limit) continue;
        if (reported.insert(call.serial).second) overdue(call);
      }
      lock.lock();
    }
  }

  const milliseconds limit;
  const tocsin::clock* const clock;
  const std::function<void(const call_record&)> overdue;
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  std::thread thread;  // last: it uses all the others
};

call_watchdog::call_watchdog(const plugin_host_services& services, std::function<void(const call_record&)> overdue)
    : impl_(std::make_unique<impl>(services.call_limit, services.clock, std::move(overdue))) {}

call_watchdog::~call_watchdog() { end(); }

void call_watchdog::end() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ended = true;
    impl_->changed.notify_all();
  }
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace tocsin
