// SPDX-License-Identifier: Apache-2.0
// The one table of the cases, and their choice by name.
#include "sdk/conformance/src/case.hpp"

#include <algorithm>

namespace tocsin::conformance {
namespace {

bool matches(std::string_view glob, std::string_view text) {
  if (glob.empty()) return text.empty();
  if (glob.front() == '*') {
    for (std::size_t at = 0; at <= text.size(); ++at)
      if (matches(glob.substr(1), text.substr(at))) return true;
    return false;
  }
  return !text.empty() && (glob.front() == '?' || glob.front() == text.front()) &&
         matches(glob.substr(1), text.substr(1));
}

}  // namespace

const case_table& case_list() {
  static const case_table all = [] {
    case_table list;
    for (const auto& area :
         {entry_cases(), lifecycle_cases(), extension_cases(), host_cases(), channel_cases(), hostile_channel_cases(),
          source_cases(), doctor_cases(), settings_cases(), service_cases(), thread_cases()})
      list.insert(list.end(), area.begin(), area.end());
    return list;
  }();
  return all;
}

std::vector<case_info> select_cases(const std::vector<std::string>& globs) {
  std::vector<case_info> chosen;
  for (const test_case& each : case_list()) {
    const bool wanted = globs.empty() || std::any_of(globs.begin(), globs.end(),
                                                     [&](const std::string& glob) { return matches(glob, each.name); });
    if (wanted) chosen.push_back({each.name, each.about.text, each.about.header, each.about.tag});
  }
  return chosen;
}

std::vector<case_info> all_cases() { return select_cases({}); }

}  // namespace tocsin::conformance
