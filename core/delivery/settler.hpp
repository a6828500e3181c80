// Writes outcomes down, and does not let go of one until it is written: what happened is known and must not be lost.
#pragma once

#include "core/model/store.hpp"
#include "core/runtime/clock.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace tocsin {

class settler : public std::enable_shared_from_this<settler> {
 public:
  // ended: called once a batch, with true after the commit, with false when the store will take nothing any more (what
  // it did not take is found as interrupted at the next start).
  using callback = std::function<void(bool written)>;

  settler(tocsin::store& store, tocsin::clock& clock) : store_(store), clock_(clock) {}

  // [any thread]
  void settle(std::vector<settlement> batch, callback ended);

 private:
  void one_by_one(const std::vector<settlement>& batch, const callback& ended);
  void attempt(std::shared_ptr<const std::vector<settlement>> batch, callback ended, std::chrono::milliseconds wait);

  tocsin::store& store_;
  tocsin::clock& clock_;
  std::atomic<bool> complained_ = false;
};

}  // namespace tocsin
