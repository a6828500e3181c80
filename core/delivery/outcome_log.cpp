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
  }
  if (now / 1000 != second_) {
    second_ = now / 1000;
    lines_ = 0;
  }
  const bool long_ago = now - written_at_ >= again_after_ms || now < written_at_;
  made.write = (run_ < alike || long_ago) && lines_ < in_a_second;
  if (!made.write) {
    ++unwritten_;
    return made;
  }
  ++run_;
  ++lines_;
  written_at_ = now;
  if (!made.count) made.count = take_count();
  return made;
}

}  // namespace tocsin
