// Believes a line where it bears the word and can come next.
#include "core/plugin_host/containment/trial_talk.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace tocsin {
namespace {

// In this order, each once; a trial that only loads ends with the second.
constexpr std::array<std::string_view, 4> stages{"constructor", "entry", "create", "start"};
constexpr std::size_t stages_of_loading = 2;

std::size_t number_of(std::string_view stage) {
  return static_cast<std::size_t>(std::distance(stages.begin(), std::find(stages.begin(), stages.end(), stage)));
}

}  // namespace

void trial_talk::read(std::string& text) {
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    const std::string line = text.substr(0, end);
    text.erase(0, end + 1);
    if (line.size() > word_.size() && line.starts_with(word_) && line[word_.size()] == ' ')
      read_line(std::string_view(line).substr(word_.size() + 1));
  }
}

void trial_talk::read_line(std::string_view line) {
  if (!last_.empty()) return;
  if (version_.empty()) {
    if (line.starts_with("host ")) version_ = line.substr(5);
    return;
  }
  if (line.starts_with("stage ")) {
    if (may_enter(line.substr(6))) stage_ = line.substr(6);
  } else if (may_end_with(line)) {
    last_ = line;
  }
}

bool trial_talk::may_enter(std::string_view stage) const {
  const std::size_t number = number_of(stage);
  const std::size_t next = stage_.empty() ? 0 : number_of(stage_) + 1;
  return number == next && number < (is_started_ ? stages.size() : stages_of_loading);
}

bool trial_talk::may_end_with(std::string_view line) const {
  if (line.starts_with("unusable ")) return stage_.empty();
  if (line.starts_with("threw ")) return true;
  // Its manifest and its entry are compared once it has given the latter; the system's loader may refuse it before.
  if (line.starts_with("refused ")) return stage_ == "constructor" || stage_ == "entry";
  // A create() that fails ends it, too.
  return line == "passed" && (is_started_ ? stage_ == "create" || stage_ == "start" : stage_ == "entry");
}

std::string trial_line(std::string_view word, std::string_view line) {
  std::string whole = "\n";  // whatever was left without an end on the pipe
  whole.append(word).append(" ").append(line);
  std::replace(whole.begin() + 1, whole.end(), '\n', ' ');
  return whole + '\n';
}

}  // namespace tocsin
