// What a host still says when a plugin ends its process: by exit(), or by a crash.
#pragma once

#include "core/model/delivery.hpp"

#include <filesystem>
#include <optional>

namespace tocsin {

enum class last_words_format { text, json };

// From now on a process that ends within a call into a plugin, by exit(), quick_exit() or a fatal signal, writes a line
// to standard error that names plugin, version, build id, call and what the call was about, and adds to the note of a
// start (start_mark). By exit() or quick_exit() the process then ends with status 1, without running destructors beside
// the other threads; a signal goes on to whom it would have gone without this. For a program that is the host's own;
// call it once, before plugins are loaded. Where a sanitizer reports crashes, signals are left to it.
void install_last_words(last_words_format how);

struct left_words {
  std::optional<delivery_id> delivery;  // that a plugin was called about
};

// Last words are kept in <state_dir>/last-words as well, for the next start. Returns those of the run before this one:
// it crashed, or a plugin ended it by exit(). What ends a process without a word (a kill, the power, _exit()) leaves
// none. Call it once, with the folder locked.
std::optional<left_words> keep_last_words(const std::filesystem::path& state_dir);

// For a program that learns of exit() before the C library does anything about it: does what is done there anyhow, but
// before any destructor or handler of a plugin's, or of a library that came with one, has run. Returns where the exit
// is the host's own.
void report_exit(int status);

// Room for the handlers of signals on the calling thread, for as long as this lives: so that a stack that is used up is
// reported, too. Nothing, unless last words are installed.
class signal_stack {
 public:
  signal_stack();
  ~signal_stack();
  signal_stack(const signal_stack&) = delete;
  signal_stack& operator=(const signal_stack&) = delete;

 private:
  void* memory_ = nullptr;
};

}  // namespace tocsin
