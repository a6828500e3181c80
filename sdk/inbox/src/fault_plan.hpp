// SPDX-License-Identifier: Apache-2.0
// Which faults are still to happen: parsed and checked once, then taken one by one as connections reach their steps.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tocsin/inbox/inbox.hpp>
#include <vector>

namespace tocsin::inbox {

enum class misdeed { reply, drop, reset, stall, garbage, split, inject };

struct planned_fault {
  std::string step;
  misdeed what = misdeed::drop;
  std::string text;  // of reply and inject
  std::uint32_t left = 0;
  bool always = false;
};

// Throws std::invalid_argument for a step or an action that there is not.
planned_fault parse_fault(const fault& what);

// Any thread.
class fault_plan {
 public:
  void set(const std::vector<fault>& faults);
  // The fault for this time that a connection is at step, and one time less of it.
  std::optional<planned_fault> take(std::string_view step);

 private:
  std::atomic<bool> any_ = false;  // so that a server without faults takes no lock
  std::mutex mutex_;
  std::vector<planned_fault> faults_;
};

}  // namespace tocsin::inbox
