// A note of which plugin is being started, so that a host that was ended by it leaves word to the next one.
#pragma once

#include "core/plugin_host/calls/plugin_call.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

struct left_mark {
  std::string sha256;
  plugin_identity plugin;
  std::string call;         // the last that was entered: "load", "create", "start"
  std::uint64_t times = 1;  // how many hosts in a row ended there
  std::string evidence;     // what the host could still write: "SIGSEGV", "exit()"; empty: it was gone at once
};

// <state_dir>/plugin-starting. Not synced: it is to outlive the process, not the machine.
class start_mark {
 public:
  // state_dir empty: nothing is written.
  explicit start_mark(const std::filesystem::path& state_dir);
  ~start_mark();
  start_mark(const start_mark&) = delete;
  start_mark& operator=(const start_mark&) = delete;

  // What a host before this one left. Call it before set().
  std::optional<left_mark> left() const;

  void set(const std::string& sha256, const plugin_identity& plugin, std::string_view call, std::uint64_t times);
  void clear();
  // Takes the file away; the last call.
  void remove();

  // Adds how the process ends within a call of this plugin's, if it is the one that is being started.
  // Async-signal-safe.
  static void add_word(std::string_view plugin, std::string_view call, std::string_view how);
  // The process is ended for a reason that is not the plugin's. [any thread]
  static void clear_open_mark();

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace tocsin
