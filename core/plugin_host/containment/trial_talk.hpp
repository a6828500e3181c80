// What the process of a trial tells its host, and which of the lines on its pipe are believed. No I/O.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace tocsin {

// The plugin is in the same process and may write on the same pipe, by mistake or not. So each line begins with a word
// that only the host and the process know, and is believed only where it can follow those before it:
//   host VERSION
//   unusable WHY                          what was handed over cannot be tried
//   stage constructor, stage entry, and where the plugin is started, too: stage create, stage start
//   passed | refused WHY TAB REMEDY | threw WHAT       the last line; it counts with exit status 0 alone
class trial_talk {
 public:
  trial_talk(std::string word, bool is_started) : word_(std::move(word)), is_started_(is_started) {}

  // Takes whole lines off the front of `text`.
  void read(std::string& text);

  const std::string& version() const { return version_; }  // of the program; empty: it has said nothing
  const std::string& stage() const { return stage_; }      // the last that was entered; empty: none
  const std::string& last() const { return last_; }        // empty: it did not come to its end

 private:
  void read_line(std::string_view line);
  bool may_enter(std::string_view stage) const;
  bool may_end_with(std::string_view line) const;

  const std::string word_;
  const bool is_started_;
  std::string version_;
  std::string stage_;
  std::string last_;
};

// A line as the process writes it.
std::string trial_line(std::string_view word, std::string_view line);

}  // namespace tocsin
