// Which outcomes get a line in the log: each success, and a failure when it says something new.
#pragma once

#include "core/model/event.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// One an endpoint. A server that is down fails a thousand deliveries a second in the same words: the first few are
// written one by one, then one now and then; the others are counted, and the count is written before the next line.
// Pure: the caller writes.
class outcome_log_policy {
 public:
  static constexpr std::uint32_t alike = 8;          // lines of the same words in a row
  static constexpr std::uint32_t in_a_second = 20;   // lines of failures, whatever their words
  static constexpr time_ms again_after_ms = 10'000;  // when the same words get another line

  struct repeated {
    std::uint64_t times = 0;  // failures without a line of their own
    std::string text;
  };
  struct decision {
    bool write = true;
    std::optional<repeated> count;  // to be written first
  };
  decision success();
  decision failure(std::string_view text, time_ms now);

 private:
  std::optional<repeated> take_count();

  std::string text_;
  std::uint32_t run_ = 0;
  std::uint64_t unwritten_ = 0;
  time_ms written_at_ = 0;
  time_ms second_ = 0;
  std::uint32_t lines_ = 0;
};

}  // namespace tocsin
