// Counts the calls that are inside the gate.
#include "core/plugin_host/calls/callback_gate.hpp"

namespace tocsin {

callback_gate::pass callback_gate::enter() {
  if ((state_.fetch_add(1, std::memory_order_acquire) & shut_bit) == 0) return pass(this);
  leave();
  return pass(nullptr);
}

void callback_gate::open() { state_.fetch_and(~shut_bit, std::memory_order_release); }

bool callback_gate::is_open() const { return (state_.load(std::memory_order_acquire) & shut_bit) == 0; }

bool callback_gate::shut(std::chrono::milliseconds limit) {
  state_.fetch_or(shut_bit, std::memory_order_acq_rel);
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, limit, [this] { return state_.load(std::memory_order_acquire) == shut_bit; });
}

void callback_gate::leave() {
  if (state_.fetch_sub(1, std::memory_order_acq_rel) != (shut_bit | 1)) return;
  const std::lock_guard lock(mutex_);
  empty_.notify_all();
}

}  // namespace tocsin
