// A thread of one plugin's own for its [control] calls: left behind when one of them does not come back.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace tocsin {

class control_thread {
 public:
  enum class ending {
    returned,
    threw,  // an exception came across the ABI; it was caught here
    hung,   // it did not return within the limit; the thread is left to it, and nothing else runs here any more
    lost,   // an earlier call hangs: this one was not made
  };

  control_thread();
  // Ends the thread, unless it was left behind.
  ~control_thread();
  control_thread(const control_thread&) = delete;
  control_thread& operator=(const control_thread&) = delete;

  // Runs the call on the thread, one at a time, and waits for it, at most for limit. The call owns all that it touches,
  // since it may still run after this has returned. From the thread itself: the call is made at once. [any thread]
  ending run(std::function<void()> call, std::chrono::milliseconds limit);
  bool is_lost() const;
  // The thread ends; a call that is made later is `lost`. Returns when it has ended, at once if it was left behind.
  void end();

 private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

}  // namespace tocsin
