// The queues between the bus and its subscribers.
#include "core/bus/subscription.hpp"

#include <algorithm>

namespace tocsin {

subscription::subscription(subscription_filter filter, executor& pool, handler take, std::size_t capacity)
    : filter_(std::move(filter)), pool_(pool), take_(std::move(take)), capacity_(capacity) {}

void subscription::push(std::span<const event_ptr> events) {
  bool begin = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    const std::size_t room = capacity_ - std::min(capacity_, waiting_.size() - taken_);
    const std::size_t fits = std::min(room, events.size());
    waiting_.insert(waiting_.end(), events.begin(), events.begin() + static_cast<std::ptrdiff_t>(fits));
    lost_ += events.size() - fits;
    begin = !scheduled_ && !events.empty();
    if (begin) scheduled_ = true;
  }
  if (begin) schedule();
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
    if (closed_) return;
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
  take_(batch, lost);
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    inside_ = false;
    more = !closed_ && (!waiting_.empty() || lost_ > 0);
    scheduled_ = more;
    idle_.notify_all();
  }
  if (more) schedule();
}

bool subscription::close(std::chrono::milliseconds limit) {
  std::vector<event_ptr> dropped;
  std::unique_lock lock(mutex_);
  closed_ = true;
  dropped.swap(waiting_);
  taken_ = 0;
  return idle_.wait_for(lock, limit, [this] { return !inside_; });
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
  const auto refuses = [&](position where) {
    const subscription_filter& filter = all_[where]->filter();
    return (filter.minimum_severity && value.severity < *filter.minimum_severity) ||
           (!filter.organization.empty() && value.organization != filter.organization);
  };
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
