// What all connections may take up together, and what one request has of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace tocsin {

// Of anything that is counted: bytes, requests. [any thread]
class budget {
 public:
  explicit budget(std::uint64_t amount) : free_(amount) {}

  // What one request has taken; given back when this goes.
  class share {
   public:
    share() = default;
    share(const share&) = delete;
    share& operator=(const share&) = delete;
    ~share() { give_back(); }

    // What it has is free again; it may grow anew.
    void give_back() {
      if (budget_) budget_->free_ += std::exchange(taken_, 0);
    }

    // Once, before the first grow_to().
    void draw_on(std::shared_ptr<budget> from) { budget_ = std::move(from); }
    // From now on it has at least so much. False: there is not enough left, and it has what it had.
    bool grow_to(std::uint64_t amount) {
      if (amount <= taken_) return true;
      if (!budget_->take(amount - taken_)) return false;
      taken_ = amount;
      return true;
    }

    // Whether there is enough left for that now; nothing is taken.
    bool could_grow_to(std::uint64_t amount) const {
      return amount <= taken_ || budget_->free_.load() >= amount - taken_;
    }

   private:
    std::shared_ptr<budget> budget_;
    std::uint64_t taken_ = 0;
  };

 private:
  bool take(std::uint64_t amount) {
    auto left = free_.load();
    while (left >= amount) {
      if (free_.compare_exchange_weak(left, left - amount)) return true;
    }
    return false;
  }

  std::atomic<std::uint64_t> free_;
};

}  // namespace tocsin
