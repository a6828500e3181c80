// The queues between the bus and its subscribers.
#include "core/bus/subscription.hpp"

#include "core/routing/router.hpp"

#include <algorithm>
#include <iterator>

namespace tocsin {

bool subscription_filter::wants_of_its_type(const event& value) const {
  return (!minimum_severity || value.severity >= *minimum_severity) &&
         (organization.empty() || value.organization == organization);
}

bool subscription_filter::wants(const event& value) const {
  const bool its_type = types.empty() || std::any_of(types.begin(), types.end(), [&value](const auto& glob) {
                          return matches_glob(glob, value.type);
                        });
  return its_type && wants_of_its_type(value);
}

subscription::subscription(subscription_filter filter, executor& pool, handler take, loss_counter losses,
                           std::size_t capacity)
    : filter_(std::move(filter)),
      pool_(pool),
      take_(std::move(take)),
      losses_(std::move(losses)),
      capacity_(capacity),
      state_(take_ ? state::open : state::held) {}

void subscription::push(std::span<const event_ptr> events) {
  std::shared_ptr<subscription> next;
  {
    const std::lock_guard lock(mutex_);
    next = next_;
    if (!next) {
      const std::size_t room = state_ == state::closed ? 0 : capacity_ - std::min(capacity_, waiting_.size() - taken_);
      const std::size_t fits = std::min(room, events.size());
      waiting_.insert(waiting_.end(), events.begin(), events.begin() + static_cast<std::ptrdiff_t>(fits));
      lose(events.size() - fits);
      if (state_ != state::open || scheduled_ || events.empty()) return;
      scheduled_ = true;
    }
  }
  if (!next) return schedule();
  std::vector<event_ptr> wanted;
  std::copy_if(events.begin(), events.end(), std::back_inserter(wanted),
               [&next](const event_ptr& one) { return next->filter().wants(*one); });
  if (!wanted.empty()) next->push(wanted);
}

// With the mutex held.
void subscription::lose(std::uint64_t events) {
  lost_ += events;
  *losses_ += events;
}

// Whoever is last in the line tells them.
void subscription::owe(std::uint64_t lost) {
  const std::lock_guard lock(mutex_);
  if (next_) return next_->owe(lost);
  lost_ += lost;
}

void subscription::schedule() {
  pool_.post([self = shared_from_this()] { self->run(); });
}

// One batch; the rest waits for the thread's next turn, so that a busy subscriber leaves the pool to others as well.
void subscription::run() {
  std::vector<event_ptr> batch;
  std::uint64_t lost = 0;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != state::open) return;
    const std::size_t count = std::min(waiting_.size() - taken_, largest_batch);
    const auto first = waiting_.begin() + static_cast<std::ptrdiff_t>(taken_);
    batch.assign(std::make_move_iterator(first), std::make_move_iterator(first + static_cast<std::ptrdiff_t>(count)));
    taken_ += count;
    if (taken_ == waiting_.size()) {
      waiting_.clear();
      taken_ = 0;
    } else if (taken_ >= capacity_ / 2) {
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken_));
      taken_ = 0;
    }
    lost = std::exchange(lost_, 0);
    inside_ = true;
  }
  const bool taken = take_(batch, lost);
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    inside_ = false;
    if (!taken) {
      lose(batch.size());
      lost_ += lost;  // which were counted when they were lost
    }
    if (next_) next_->owe(std::exchange(lost_, 0));  // it came back after its time
    // Still with the lock: whoever waits until it is idle waits for this, too.
    if (const auto is_back = std::exchange(when_idle_, nullptr)) is_back();
    more = state_ == state::open && !waiting_.empty();
    scheduled_ = more;
    idle_.notify_all();
  }
  if (more) schedule();
}

bool subscription::wait_until_idle(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds limit) {
  return idle_.wait_for(lock, limit, [this] { return !inside_; });
}

bool subscription::hold(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  state_ = state::held;
  return wait_until_idle(lock, limit);
}

void subscription::when_idle(std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    if (inside_) {
      when_idle_ = std::move(call);
      return;
    }
  }
  if (call) call();
}

bool subscription::wait_until_idle(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return wait_until_idle(lock, limit);
}

void subscription::hand_over(const std::shared_ptr<subscription>& next) {
  // Both locks: what is pushed meanwhile comes after what has waited.
  const std::scoped_lock both(mutex_, next->mutex_);
  state_ = state::replaced;
  next_ = next;
  const auto first = waiting_.begin() + static_cast<std::ptrdiff_t>(taken_);
  std::copy_if(first, waiting_.end(), std::back_inserter(next->waiting_),
               [&next](const event_ptr& one) { return next->filter().wants(*one); });
  waiting_.clear();
  taken_ = 0;
  next->lost_ += std::exchange(lost_, 0);
  if (next->state_ != state::open || next->waiting_.empty() || next->scheduled_) return;
  next->scheduled_ = true;
  next->schedule();
}

bool subscription::close(std::chrono::milliseconds limit, std::uint64_t& dropped) {
  std::unique_lock lock(mutex_);
  state_ = state::closed;
  dropped += waiting_.size() - taken_;
  lose(waiting_.size() - taken_);
  waiting_.clear();
  taken_ = 0;
  return wait_until_idle(lock, limit);
}

subscription_set::subscription_set(std::vector<subscription_ptr> all) : all_(std::move(all)) {
  for (position where = 0; where < all_.size(); ++where) {
    const auto& types = all_[where]->filter().types;
    if (types.empty()) of_every_type_.push_back(where);
    for (const std::string& glob : types) by_type_.add(glob, where);
  }
}

void subscription_set::find(const event& value, std::vector<position>& wanted) const {
  const auto begin = wanted.size();
  wanted.insert(wanted.end(), of_every_type_.begin(), of_every_type_.end());
  by_type_.find(value.type, wanted);
  auto first = wanted.begin() + static_cast<std::ptrdiff_t>(begin);
  std::sort(first, wanted.end());
  wanted.erase(std::unique(first, wanted.end()), wanted.end());
  first = wanted.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto refuses = [&](position where) { return !all_[where]->filter().wants_of_its_type(value); };
  wanted.erase(std::remove_if(first, wanted.end(), refuses), wanted.end());
}

void pending_copies::hand_over(const subscription_set& to, const std::function<bool(std::size_t)>& is_wanted) {
  std::erase_if(copies_, [&](const copy& one) { return !is_wanted(one.index); });
  // One lock for each subscriber and publication, not for each event.
  std::stable_sort(copies_.begin(), copies_.end(), [](const copy& a, const copy& b) { return a.who < b.who; });
  std::vector<event_ptr> run;
  for (std::size_t at = 0; at < copies_.size(); ++at) {
    run.push_back(std::move(copies_[at].value));
    if (at + 1 < copies_.size() && copies_[at + 1].who == copies_[at].who) continue;
    to.at(copies_[at].who).push(run);
    run.clear();
  }
  copies_.clear();
}

}  // namespace tocsin
