// SPDX-License-Identifier: Apache-2.0
// The same call from several threads that begin together, again and again.
#pragma once

#include "sdk/conformance/src/bench.hpp"

#include <functional>

namespace tocsin::conformance {

// Returns when all have returned. A breach that ends a call ends that thread's rounds.
void at_once(const std::function<void()>& call);

}  // namespace tocsin::conformance
