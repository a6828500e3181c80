// The one clock: every wait in the host goes through it, so that a test can turn it.
#pragma once

#include "core/model/event.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace tocsin {

class executor;

class clock {
 public:
  using callback = std::function<void()>;
  enum class timer : std::uint64_t { none = 0 };

  virtual ~clock() = default;

  virtual time_ms now() const = 0;  // Unix time; may jump
  virtual std::chrono::nanoseconds monotonic() const = 0;

  // Call fn once, after delay, on a thread of the executor's (system clock) or of the one who turns the clock (manual
  // clock). [any thread]
  virtual timer after(std::chrono::milliseconds delay, callback fn) = 0;
  // True: fn will not be called. False: it was, or is being. [any thread]
  virtual bool cancel(timer id) = 0;
};

// The machine's clock, with timers on the executor. The executor outlives it.
std::unique_ptr<clock> make_system_clock(executor& pool);

}  // namespace tocsin
