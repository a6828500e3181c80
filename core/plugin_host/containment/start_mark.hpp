// A note of which plugin is being started, so that a host or command that it ended leaves word to the next one.
#pragma once

#include "core/plugin_host/calls/plugin_call.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

struct left_mark {
  std::string sha256;
  plugin_identity plugin;
  std::string call;         // the last that was entered: "load", "create", "start", "config.migrate"
  std::uint64_t times = 1;  // how many processes in a row ended there
  std::string evidence;     // what the process could still write: "SIGSEGV", "exit()"; empty: it was gone at once
};

// <state_dir>/plugin-starting, locked while one of these has it. Not synced: it is to outlive the process, not the
// machine.
class start_mark {
 public:
  // Waits for as long as `patience` for another process that has the file. Where it cannot be had, is_open() is false
  // and nothing is read or written.
  explicit start_mark(const std::filesystem::path& state_dir,
                      std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  ~start_mark();
  start_mark(const start_mark&) = delete;
  start_mark& operator=(const start_mark&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  const std::string& why() const { return why_; }  // it is not open, a clause

  // What a process before this one left. Call it before set().
  std::optional<left_mark> left() const;

  // only_this: of a plugin that is active, so that an end within any other call of it is not held against it.
  void set(const std::string& sha256, const plugin_identity& plugin, std::string_view call, std::uint64_t times,
           bool only_this = false);
  void clear();
  // Takes the file away; the last call.
  void remove();

  // Adds how the process ends within a call of this plugin's, if it is the one that is being started; if another
  // plugin ended it, nothing is held against that one. Async-signal-safe.
  static void add_word(std::string_view plugin, std::string_view call, std::string_view how);
  // Ends the process at once for a reason that is not the plugin's: no note is left. [any thread]
  [[noreturn]] static void end_process(int status);

 private:
  void open(std::chrono::milliseconds patience);

  std::filesystem::path file_;
  int descriptor_ = -1;
  std::string why_;
};

}  // namespace tocsin
