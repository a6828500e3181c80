// SPDX-License-Identifier: Apache-2.0
// What this process has: threads and open descriptors; and a ban on getting more.
#pragma once

#include "sdk/conformance/src/law.hpp"

#include <chrono>
#include <map>
#include <set>
#include <string>

namespace tocsin::conformance {

std::set<int> threads_now();
std::map<int, std::string> descriptors_now();  // number -> what it is

// Names of threads that were not there before, after having waited for them to end; empty: none.
std::string threads_since(const std::set<int>& before, std::chrono::milliseconds limit);
// What was opened since and still is.
std::string descriptors_since(const std::map<int, std::string>& before);

// From now on this thread makes no socket, connection, thread or process: a try is a breach of the law, and fails. For
// a case that has a process of its own; without seccomp it does nothing.
void forbid_threads_and_network(const law& about);

}  // namespace tocsin::conformance
