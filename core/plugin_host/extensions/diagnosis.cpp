// Hands the stages of a diagnosis from the plugin's threads to the one who waits.
#include "core/plugin_host/extensions/diagnosis.hpp"

#include <utility>

namespace tocsin {

bool diagnosis_run::report(diagnosis_stage stage) {
  const std::lock_guard lock(mutex_);
  if (state_ == state::given_up) return true;  // nobody waits for it any more
  if (state_ == state::finished || (!waiting_.empty() && !waiting_.back().ok)) return false;
  waiting_.push_back(std::move(stage));
  changed_.notify_all();
  return true;
}

bool diagnosis_run::finish() {
  const std::lock_guard lock(mutex_);
  if (state_ == state::finished) return false;
  if (state_ == state::running) state_ = state::finished;
  changed_.notify_all();
  return true;
}

void diagnosis_run::give_up() {
  const std::lock_guard lock(mutex_);
  if (state_ == state::running) state_ = state::given_up;
  changed_.notify_all();
}

std::optional<diagnosis_stage> diagnosis_run::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return taken_ < waiting_.size() || state_ != state::running; });
  if (taken_ == waiting_.size()) return std::nullopt;
  return waiting_[taken_++];
}

bool diagnosis_run::timed_out() const {
  const std::lock_guard lock(mutex_);
  return state_ == state::given_up;
}

std::pair<std::uint64_t, std::shared_ptr<diagnosis_run>> diagnosis_table::begin() {
  const std::lock_guard lock(mutex_);
  auto run = std::make_shared<diagnosis_run>();
  runs_.emplace(++last_, run);
  return {last_, std::move(run)};
}

std::shared_ptr<diagnosis_run> diagnosis_table::find(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = runs_.find(number);
  return found == runs_.end() ? nullptr : found->second;
}

void diagnosis_table::end(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  runs_.erase(number);
}

bool diagnosis_table::known(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  return number != 0 && number <= last_;
}

void diagnosis_table::give_up_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, run] : runs_) run->give_up();
}

}  // namespace tocsin
