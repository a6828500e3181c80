// A gate between host and plugin: calls go through it while it is open, and whoever shuts it knows when the last is
// out.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace tocsin {

// Costs two atomic additions a call; no lock is held while a call is inside. Shut at first. [any thread]
class callback_gate {
 public:
  // Held for the length of a call; false if the gate is shut.
  class pass {
   public:
    explicit pass(callback_gate* gate) : gate_(gate) {}
    pass(pass&& other) noexcept : gate_(other.gate_) { other.gate_ = nullptr; }
    pass& operator=(pass&&) = delete;
    ~pass() {
      if (gate_) gate_->leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    callback_gate* gate_;
  };

  pass enter();
  void open();
  bool is_open() const;
  // No call enters any more; waits until those inside are out, at most for limit. False: some are still inside.
  bool shut(std::chrono::milliseconds limit);

 private:
  static constexpr std::uint64_t shut_bit = std::uint64_t{1} << 63;

  void leave();

  std::atomic<std::uint64_t> state_{shut_bit};  // how many are inside, and shut_bit
  std::mutex mutex_;
  std::condition_variable empty_;
};

}  // namespace tocsin
