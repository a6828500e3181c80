// Swaps snapshots.
#include "core/app/settings_in_force.hpp"

namespace tocsin::app {

settings_ptr settings_in_force::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void settings_in_force::put(settings_ptr settings) {
  settings_ptr incoming;  // these two are destroyed without the lock
  const std::lock_guard lock(mutex_);
  current_.swap(settings);
  incoming_.swap(incoming);
}

void settings_in_force::expect(settings_ptr settings) {
  const std::lock_guard lock(mutex_);
  incoming_.swap(settings);
}

result<std::string> settings_in_force::secret(std::uint64_t handle) const {
  settings_ptr next;
  settings_ptr now;
  {
    const std::lock_guard lock(mutex_);
    now = current_;
    next = incoming_;
  }
  auto value = now->secret(handle);
  return value || !next ? value : next->secret(handle);
}

}  // namespace tocsin::app
