// A plugin's first run, in a process of its own that may be lost: what would end the host ends that one.
#pragma once

#include "core/plugin_host/containment/trial_verdict.hpp"
#include "core/plugin_host/files/plugin_file.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tocsin {

// How far the plugin is taken.
enum class trial_depth {
  load,   // constructors, entry, comparison with the manifest
  start,  // and create() and start(), with a host that publishes nothing
};

struct trial_order {
  std::filesystem::path program;  // answers to trial_command
  trial_depth depth = trial_depth::load;
  std::chrono::milliseconds limit{0};         // for each stage
  std::vector<const plugin_file*> providers;  // depth `start`: what it requires, in the order in which they start
};

struct trial_outcome {
  std::optional<trial_verdict> verdict;  // nothing: no trial could be held, and `why` says why
  // The verdict follows from the plugin's content: it would be the same tomorrow. One that does not may come of a
  // library that is missing or of memory that was short.
  bool lasting = false;
  std::string why;
};

// Blocks until the process has ended, which nothing of it outlives. It gets the plugin's sealed memory and two pipes,
// and of the environment only what the loader, the language and temporary files need; it leaves no core file. What it
// prints is not shown but for the last line, in the verdict. [any thread]
trial_outcome try_plugin(const plugin_file& file, const trial_order& order);

// The hidden command of the program: `tocsin plugin-trial ...`. Never returns to its caller's work.
inline constexpr const char* trial_command = "plugin-trial";
[[noreturn]] void run_trial(int count, char** arguments);

}  // namespace tocsin
