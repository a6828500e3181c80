// SPDX-License-Identifier: Apache-2.0
// A case of the kit, and the tables in which each area lists its own.
#pragma once

#include "sdk/conformance/src/bench.hpp"
#include "sdk/conformance/src/law.hpp"

#include <vector>

namespace tocsin::conformance {

struct test_case {
  const char* name;  // "area.what"
  law about;
  void (*run)(bench& on, const law& about);
  bool without_manifest = false;  // also where the manifest cannot be used
};
using case_table = std::vector<test_case>;

// One a file in cases/, in the order in which they run.
case_table entry_cases();
case_table lifecycle_cases();
case_table extension_cases();
case_table host_cases();
case_table channel_cases();
case_table hostile_channel_cases();
case_table source_cases();
case_table doctor_cases();
case_table settings_cases();
case_table service_cases();
case_table thread_cases();

const case_table& case_list();

}  // namespace tocsin::conformance
