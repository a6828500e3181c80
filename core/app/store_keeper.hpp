// Looks after a running host's store: works on a copy, on a thread of its own, one task at a time.
#pragma once

#include "core/model/store.hpp"
#include "core/runtime/clock.hpp"
#include "core/store/upkeep.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

namespace tocsin::app {

// Faults besides those of upkeep.hpp: STORE_UPKEEP_BUSY, another task is under way. [any thread]
class store_keeper {
 public:
  store_keeper(store& of, clock& time, std::filesystem::path state_dir);
  ~store_keeper();  // after the store was closed: it answers whoever waits for a copy

  void check(store::callback<store_check> done);
  void back_up(std::filesystem::path target, store::callback<store_backup> done);
  // What is under way ends soon. Nothing is begun any more.
  void cut_short() { stop_ = true; }

 private:
  template <class Answer>
  void begin(std::function<result<Answer>()> work, store::callback<Answer> done);
  result<void> copy(const std::filesystem::path& to);

  store& store_;
  clock& clock_;
  const std::filesystem::path state_dir_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  bool busy_ = false;
  std::thread thread_;
};

}  // namespace tocsin::app
