// How much the bodies of all connections may take up together.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace tocsin {

// [any thread]
class body_budget {
 public:
  explicit body_budget(std::uint64_t bytes) : free_(bytes) {}

  // What one request has taken; given back when this goes.
  class share {
   public:
    explicit share(std::shared_ptr<body_budget> budget) : budget_(std::move(budget)) {}
    share(const share&) = delete;
    share& operator=(const share&) = delete;
    ~share() { budget_->free_ += taken_; }

    // From now on it has at least so many. False: there are not enough left, and it has what it had.
    bool grow_to(std::uint64_t bytes) {
      if (bytes <= taken_) return true;
      if (!budget_->take(bytes - taken_)) return false;
      taken_ = bytes;
      return true;
    }

   private:
    std::shared_ptr<body_budget> budget_;
    std::uint64_t taken_ = 0;
  };

 private:
  bool take(std::uint64_t bytes) {
    auto left = free_.load();
    while (left >= bytes) {
      if (free_.compare_exchange_weak(left, left - bytes)) return true;
    }
    return false;
  }

  std::atomic<std::uint64_t> free_;
};

}  // namespace tocsin
