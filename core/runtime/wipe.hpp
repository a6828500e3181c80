// Overwrites secrets in memory before it is given back.
#pragma once

#include <string>
#include <utility>

namespace tocsin {

// Overwritten, then empty. The compiler does not leave it out.
void wipe(std::string& secret) noexcept;

// A secret that is wiped when it is dropped. It can be moved, not copied.
class wiped_text {
 public:
  wiped_text() = default;
  explicit wiped_text(std::string value) : value_(std::move(value)) { wipe(value); }
  wiped_text(wiped_text&& other) noexcept : value_(std::move(other.value_)) { wipe(other.value_); }
  wiped_text& operator=(wiped_text&& other) noexcept {
    if (this == &other) return *this;
    wipe(value_);
    value_ = std::move(other.value_);
    wipe(other.value_);
    return *this;
  }
  ~wiped_text() { wipe(value_); }

  const std::string& get() const { return value_; }

 private:
  std::string value_;
};

}  // namespace tocsin
