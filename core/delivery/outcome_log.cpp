// Which outcomes get a line in the log.
#include "core/delivery/outcome_log.hpp"

#include <utility>

namespace tocsin {

std::optional<outcome_log_policy::repeated> outcome_log_policy::take_count() {
  if (unwritten_ == 0) return std::nullopt;
  return repeated{std::exchange(unwritten_, 0), text_};
}

outcome_log_policy::decision outcome_log_policy::success() {
  decision made{true, take_count()};
  run_ = 0;
  text_.clear();
  return made;
}

outcome_log_policy::decision outcome_log_policy::failure(std::string_view text, time_ms now) {
  decision made;
  if (text != text_) {
    made.count = take_count();
    text_ = text;
    run_ = 0;
    counted_at_ = now;
  }
  if (now / 1000 != second_) {
    second_ = now / 1000;
    lines_ = 0;
  }
  made.write = run_ < alike && lines_ < in_a_second;
  ++run_;
  if (made.write) {
    ++lines_;
    return made;
  }
  ++unwritten_;
  if (now - counted_at_ >= count_every_ms || now < counted_at_) {
    made.count = take_count();
    counted_at_ = now;
  }
  return made;
}

}  // namespace tocsin
