// What is known of how a plugin's code behaves before it runs in the host, or of how it ended a host. No I/O.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

enum class trial_end {
  passed,
  refused,  // it is at odds with its manifest, or has no entry
  crashed,
  exited,
  hung,
  threw,
  ended_host,  // a host or command ended within a call of its, at its start
  suspected,   // the same, and nothing says that it was the plugin's doing
};
std::string_view to_text(trial_end end);
std::optional<trial_end> parse_trial_end(std::string_view text);

struct trial_verdict {
  trial_end end = trial_end::passed;
  // "constructor", "entry", or the call: "create", "start", "config.migrate"; "load": constructor or entry, in a host's
  // own process. Passed, refused: empty.
  std::string stage;
  std::string how;                     // crashed: "SIGSEGV"; exited: "status 3"; threw: what; refused: why, a sentence
  std::string remedy;                  // refused: what to do
  std::chrono::milliseconds limit{0};  // hung: the time that it was given
  std::uint64_t times = 0;             // hung in trials: in how many in a row; else 0

  bool operator==(const trial_verdict&) const = default;
};

// May a plugin with this verdict be loaded?
inline bool may_load(const trial_verdict& verdict) {
  return verdict.end == trial_end::passed || verdict.end == trial_end::suspected;
}

// A trial that hangs may come of a busy machine; this many in a row do not.
inline constexpr std::uint64_t most_hung_trials = 3;

// However short call_limit is: a trial has a process to itself, which competes with everything else.
inline constexpr std::chrono::milliseconds shortest_trial{1000};

// What a host does with a plugin of which this is known; null: nothing. limit: the time that a trial has.
enum class next_step { load, try_out, keep_out };
next_step step_after(const trial_verdict* known, std::chrono::milliseconds limit);

// "it crashed (SIGSEGV) in a static constructor, in a trial process", without a full stop.
std::string describe(const trial_verdict& verdict);

}  // namespace tocsin
