#include "core/runtime/clock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <mutex>
#include <unordered_map>

#include "core/runtime/executor.hpp"

namespace tocsin {
namespace {

using std::chrono::steady_clock;

// One Asio timer, set to the earliest of all timers; 100,000 of them cost a map, not 100,000 kernel entries.
class system_clock final : public clock {
 public:
  explicit system_clock(executor& pool) : shared_(std::make_shared<state>(pool)) {}

  ~system_clock() override {
    const std::lock_guard lock(shared_->mutex);
    shared_->closed = true;
    shared_->due.clear();
    shared_->by_id.clear();
    shared_->alarm.cancel();
  }

  time_ms now() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  std::chrono::nanoseconds monotonic() const override { return steady_clock::now().time_since_epoch(); }

  timer after(std::chrono::milliseconds delay, callback fn) override {
    // Longer waits are cut to ten years, so that no sum overflows.
    const auto wait = std::min(delay, std::chrono::milliseconds(std::chrono::days(3650)));
    const std::lock_guard lock(shared_->mutex);
    const auto id = ++shared_->last_id;
    const auto at = shared_->due.emplace(steady_clock::now() + wait, entry{id, std::move(fn)});
    shared_->by_id.emplace(id, at);
    if (at == shared_->due.begin()) shared_->arm();
    return timer{id};
  }

  bool cancel(timer id) override {
    callback dropped;  // destroyed outside the lock: it may hold anything
    const std::lock_guard lock(shared_->mutex);
    const auto found = shared_->by_id.find(static_cast<std::uint64_t>(id));
    if (found == shared_->by_id.end()) return false;
    dropped = std::move(found->second->second.fn);
    shared_->due.erase(found->second);
    shared_->by_id.erase(found);
    return true;
  }

 private:
  struct entry {
    std::uint64_t id;
    callback fn;
  };
  using due_map = std::multimap<steady_clock::time_point, entry>;

  struct state : std::enable_shared_from_this<state> {
    explicit state(executor& with) : pool(with), alarm(with.context()) {}

    void arm() {  // with the mutex held
      if (due.empty() || closed) return;
      alarm.expires_at(due.begin()->first);
      alarm.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error) self->fire();
      });
    }

    void fire() {
      std::vector<callback> ready;
      {
        const std::lock_guard lock(mutex);
        const auto now = steady_clock::now();
        while (!due.empty() && due.begin()->first <= now) {
          ready.push_back(std::move(due.begin()->second.fn));
          by_id.erase(due.begin()->second.id);
          due.erase(due.begin());
        }
        arm();
      }
      for (auto& fn : ready) fn();
    }

    executor& pool;
    std::mutex mutex;
    boost::asio::steady_timer alarm;
    due_map due;
    std::unordered_map<std::uint64_t, due_map::iterator> by_id;
    std::uint64_t last_id = 0;
    bool closed = false;
  };

  std::shared_ptr<state> shared_;
};

}  // namespace

std::unique_ptr<clock> make_system_clock(executor& pool) { return std::make_unique<system_clock>(pool); }

}  // namespace tocsin
