// SPDX-License-Identifier: Apache-2.0
// Parsing and counting of faults.
#include "fault_plan.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace tocsin::inbox {
namespace {

constexpr std::array<std::string_view, 15> steps = {"connect",   "greeting", "ehlo", "helo", "starttls",
                                                    "handshake", "auth",     "mail", "rcpt", "data",
                                                    "body",      "rset",     "noop", "vrfy", "quit"};
struct named_misdeed {
  std::string_view name;
  misdeed what;
  bool takes_text;
};
constexpr std::array<named_misdeed, 7> misdeeds = {{{"reply", misdeed::reply, true},
                                                    {"drop", misdeed::drop, false},
                                                    {"reset", misdeed::reset, false},
                                                    {"stall", misdeed::stall, false},
                                                    {"garbage", misdeed::garbage, false},
                                                    {"split", misdeed::split, false},
                                                    {"inject", misdeed::inject, true}}};

}  // namespace

planned_fault parse_fault(const fault& what) {
  if (std::find(steps.begin(), steps.end(), what.at) == steps.end()) {
    std::string message = "a fault at \"" + what.at + "\" cannot be: the steps are";
    for (const auto step : steps) message.append(" ").append(step);
    throw std::invalid_argument(message);
  }
  const auto colon = what.action.find(':');
  const std::string name = what.action.substr(0, colon);
  const auto* known =
      std::find_if(misdeeds.begin(), misdeeds.end(), [&](const named_misdeed& it) { return it.name == name; });
  if (known == misdeeds.end() || known->takes_text != (colon != std::string::npos)) {
    throw std::invalid_argument("the fault \"" + what.action + "\" at " + what.at +
                                " cannot be: the actions are reply:TEXT drop reset stall garbage split inject:TEXT");
  }
  return {what.at, known->what, colon == std::string::npos ? std::string() : what.action.substr(colon + 1), what.times,
          what.times == 0};
}

void fault_plan::set(const std::vector<fault>& faults) {
  std::vector<planned_fault> parsed;
  for (const auto& each : faults) parsed.push_back(parse_fault(each));
  const std::lock_guard lock(mutex_);
  faults_ = std::move(parsed);
  any_ = !faults_.empty();
}

std::optional<planned_fault> fault_plan::take(std::string_view step) {
  if (!any_.load(std::memory_order_relaxed)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  for (auto& each : faults_) {
    if (each.step != step || (!each.always && each.left == 0)) continue;
    if (!each.always) --each.left;
    return each;
  }
  return std::nullopt;
}

}  // namespace tocsin::inbox
