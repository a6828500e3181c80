// Diagnoses that are under way: what a doctor reports goes to the one who waits for it.
#pragma once

#include "core/model/message.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace tocsin {

// One run. report(), finish() and give_up(): [any thread]; next(): the one who waits.
class diagnosis_run {
 public:
  // False: the run was finished, or a stage of it has failed already, after which there is none.
  bool report(diagnosis_stage stage);
  // False: it was finished before.
  bool finish();
  // The limit has passed.
  void give_up();

  // Waits for the next stage; nothing: it is over.
  std::optional<diagnosis_stage> next();
  bool timed_out() const;

 private:
  enum class state { running, finished, given_up };
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<diagnosis_stage> waiting_;  // in order, from taken_ on
  std::size_t taken_ = 0;
  state state_ = state::running;
};

// A plugin's runs by their numbers. [any thread]
class diagnosis_table {
 public:
  std::pair<std::uint64_t, std::shared_ptr<diagnosis_run>> begin();
  std::shared_ptr<diagnosis_run> find(std::uint64_t number) const;
  void end(std::uint64_t number);
  // True if a run of this number ever began: its late reports are no misbehaviour.
  bool known(std::uint64_t number) const;
  void give_up_all();

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<diagnosis_run>> runs_;
  std::uint64_t last_ = 0;
};

}  // namespace tocsin
