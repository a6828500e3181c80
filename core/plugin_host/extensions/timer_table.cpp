// Keeps a plugin's timers; each start is a run of its own, so that a late one of an earlier run is known as such.
#include "core/plugin_host/extensions/timer_table.hpp"

#include <utility>

namespace tocsin {

void timer_table::start(tocsin::clock& clock, std::uint64_t id, std::chrono::milliseconds delay, due_handler due) {
  std::uint64_t run = 0;
  clock::timer before = clock::timer::none;
  {
    const std::lock_guard lock(mutex_);
    run = ++last_run_;
    before = std::exchange(entries_[id], entry{run, clock::timer::none}).timer;
  }
  if (before != clock::timer::none) clock.cancel(before);
  const auto timer = clock.after(delay, [id, run, due = std::move(due)] { due(id, run); });
  bool overtaken = true;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found != entries_.end() && found->second.run == run) {
      found->second.timer = timer;
      overtaken = false;
    }
  }
  if (overtaken) clock.cancel(timer);
}

void timer_table::cancel(tocsin::clock& clock, std::uint64_t id) {
  clock::timer timer = clock::timer::none;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    timer = found->second.timer;
    entries_.erase(found);
  }
  if (timer != clock::timer::none) clock.cancel(timer);
}

bool timer_table::take(std::uint64_t id, std::uint64_t run) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.run != run) return false;
  entries_.erase(found);
  return true;
}

void timer_table::cancel_all(tocsin::clock& clock) {
  std::unordered_map<std::uint64_t, entry> entries;
  {
    const std::lock_guard lock(mutex_);
    entries.swap(entries_);
  }
  for (const auto& [id, running] : entries)
    if (running.timer != clock::timer::none) clock.cancel(running.timer);
}

}  // namespace tocsin
