// Verdicts as words, for the file that they are kept in and for whoever reads why a plugin does not run.
#include "core/plugin_host/containment/trial_verdict.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tocsin {
namespace {

constexpr std::array<std::pair<trial_end, std::string_view>, 8> words{{{trial_end::passed, "passed"},
                                                                       {trial_end::refused, "refused"},
                                                                       {trial_end::crashed, "crashed"},
                                                                       {trial_end::exited, "exited"},
                                                                       {trial_end::hung, "hung"},
                                                                       {trial_end::threw, "threw"},
                                                                       {trial_end::ended_host, "ended_host"},
                                                                       {trial_end::suspected, "suspected"}}};

std::string place(const trial_verdict& verdict) {
  if (verdict.stage == "constructor") return "a static constructor";
  if (verdict.stage == "entry") return "its entry function";
  if (verdict.stage == "load") return "a static constructor or its entry function";
  return verdict.stage + "()";
}

std::string text_of(std::chrono::milliseconds limit) {
  const auto milliseconds = limit.count();
  return milliseconds % 1000 == 0 ? std::to_string(milliseconds / 1000) + " s" : std::to_string(milliseconds) + " ms";
}

std::string in_brackets(const std::string& text) { return text.empty() ? text : " (" + text + ")"; }

std::string in_trial(const trial_verdict& verdict) {
  if (verdict.times > 1) return ", in " + std::to_string(verdict.times) + " trials in a row";
  return verdict.stage == "load" ? ", in the host's own process" : ", in a trial process";
}

}  // namespace

next_step step_after(const trial_verdict* known, std::chrono::milliseconds limit) {
  if (!known) return next_step::try_out;
  if (may_load(*known)) return next_step::load;
  if (known->end != trial_end::hung) return next_step::keep_out;
  const bool may_have_been_busy = known->times > 0 && known->times < most_hung_trials;
  const auto given = std::max(known->limit, shortest_trial);  // before a hang in the host there was a trial
  return given < limit || may_have_been_busy ? next_step::try_out : next_step::keep_out;
}

std::string_view to_text(trial_end end) {
  for (const auto& [known, word] : words)
    if (known == end) return word;
  return "unknown";
}

std::optional<trial_end> parse_trial_end(std::string_view text) {
  for (const auto& [end, word] : words)
    if (word == text) return end;
  return std::nullopt;
}

std::string describe(const trial_verdict& verdict) {
  switch (verdict.end) {
    case trial_end::passed:
      return "it passed its trial";
    case trial_end::refused:
      return verdict.how;
    case trial_end::crashed:
      return "it crashed" + in_brackets(verdict.how) + " in " + place(verdict) + in_trial(verdict);
    case trial_end::exited:
      return "it ended the process" + in_brackets(verdict.how) + " in " + place(verdict) + in_trial(verdict);
    case trial_end::hung:
      return "it did not come back from " + place(verdict) + " within " + text_of(verdict.limit) + in_trial(verdict);
    case trial_end::threw:
      return "it threw an exception" + in_brackets(verdict.how) + " in " + place(verdict) + in_trial(verdict);
    case trial_end::ended_host:
    case trial_end::suspected:
      return "a host or command ended" + in_brackets(verdict.how) + " in " + place(verdict) + " of the plugin";
  }
  return {};
}

}  // namespace tocsin
