// Lets the store forget, step by step, what was kept for long enough.
#pragma once

#include "core/model/store.hpp"
#include "core/runtime/clock.hpp"

#include <chrono>
#include <functional>

namespace tocsin::app {

// Each hour a round through the store, and between two of its steps a pause in which others are served. Ends with
// STORE_CLOSED; store and clock outlive the last answer.
class purger {
 public:
  // retention: asked anew at each step.
  purger(store& from, clock& time, std::function<std::chrono::milliseconds()> retention);
  void start();

 private:
  void step_after(std::chrono::milliseconds delay);

  store& store_;
  clock& clock_;
  const std::function<std::chrono::milliseconds()> retention_;
};

}  // namespace tocsin::app
