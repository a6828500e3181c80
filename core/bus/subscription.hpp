// Subscribers: each gets the accepted events that it asked for, from a bounded queue of its own, and holds up nobody.
#pragma once

#include "core/model/event.hpp"
#include "core/routing/type_index.hpp"
#include "core/runtime/executor.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tocsin {

// One event, shared by everybody who needs it after the commit.
using event_ptr = std::shared_ptr<const event>;

struct subscription_filter {
  std::vector<std::string> types;            // globs; empty: every type
  std::optional<severity> minimum_severity;  // this or higher
  std::string organization;                  // only that one's events; empty: everybody's

  bool wants(const event& value) const;
  // Whatever its type.
  bool wants_of_its_type(const event& value) const;
};

// How many events a subscriber did not get, or nobody knows whether it did; kept while one subscription replaces
// another.
using loss_counter = std::shared_ptr<std::atomic<std::uint64_t>>;

// Hands events on, on a thread of the pool, one call at a time, in the order of their commit.
class subscription : public std::enable_shared_from_this<subscription> {
 public:
  // lost: how many events were passed over since the call before. False: nobody knows what became of these events, and
  // they count as lost.
  using handler = std::function<bool(std::span<const event_ptr> events, std::uint64_t lost)>;

  static constexpr std::size_t default_capacity = 10'000;
  static constexpr std::size_t largest_batch = 256;

  // take: none: nobody is there yet, and events wait as after hold().
  subscription(subscription_filter filter, executor& pool, handler take, loss_counter losses,
               std::size_t capacity = default_capacity);

  const subscription_filter& filter() const { return filter_; }
  // [any thread]
  void push(std::span<const event_ptr> events);
  // No call begins any more, and what comes is kept for the one that replaces it; waits for a call that is under way,
  // at most for limit. False: it has not come back. [any thread but that of the call]
  bool hold(std::chrono::milliseconds limit);
  // After hold() or close(), once: called when the call that is under way has come back, at once if there is none. It
  // may only post: the subscription is locked. Null: nobody is called any more.
  void when_idle(std::function<void()> call);
  // For the call that is under way, at most for limit. False: it has not come back.
  bool wait_until_idle(std::chrono::milliseconds limit);
  // After hold(): what waits, and all that still comes, goes to `next`, as far as that one wants it.
  void hand_over(const std::shared_ptr<subscription>& next);
  // As hold(), but what waits and what comes is lost. How many it were that waited is added to `dropped`.
  bool close(std::chrono::milliseconds limit, std::uint64_t& dropped);

 private:
  enum class state { open, held, replaced, closed };

  void schedule();
  void run();
  void lose(std::uint64_t events);
  void owe(std::uint64_t lost);
  bool wait_until_idle(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds limit);

  const subscription_filter filter_;
  executor& pool_;
  const handler take_;
  const loss_counter losses_;
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::vector<event_ptr> waiting_;
  std::size_t taken_ = 0;   // of waiting_, from its front
  std::uint64_t lost_ = 0;  // and not told yet
  bool scheduled_ = false;
  bool inside_ = false;
  state state_;
  std::shared_ptr<subscription> next_;  // which replaced it
  std::function<void()> when_idle_;
};
using subscription_ptr = std::shared_ptr<subscription>;

// All subscriptions, indexed by type; immutable.
class subscription_set {
 public:
  explicit subscription_set(std::vector<subscription_ptr> all);

  using position = type_index::position;
  bool empty() const { return all_.empty(); }
  // Appends the positions of those that want the event, each once.
  void find(const event& value, std::vector<position>& wanted) const;
  subscription& at(position where) const { return *all_[where]; }

 private:
  std::vector<subscription_ptr> all_;
  type_index by_type_;
  std::vector<position> of_every_type_;
};

// What of one publication goes to whom: gathered before the commit, handed over after it. One allocation for many
// events; an event is copied by nobody, only counted.
class pending_copies {
 public:
  bool empty() const { return copies_.empty(); }
  void add(subscription_set::position who, event_ptr value, std::size_t index) {
    copies_.push_back({who, index, std::move(value)});
  }
  // `is_wanted(index)` says of each event of the publication whether it was new.
  void hand_over(const subscription_set& to, const std::function<bool(std::size_t)>& is_wanted);

 private:
  struct copy {
    subscription_set::position who;
    std::size_t index;  // of the event in its publication
    event_ptr value;
  };
  std::vector<copy> copies_;
};

}  // namespace tocsin
