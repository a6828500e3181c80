// SPDX-License-Identifier: Apache-2.0
// Sinks that the kit lends to the plugin, and that notice how they are used.
#pragma once

#include "sdk/conformance/src/lent.hpp"

#include <tocsin/abi/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace tocsin::conformance {

// Lent for one call. What it keeps outlives it, so that a later write is told and not a crash of the kit's.
class call_sink {
 public:
  // limit: it takes so many bytes and then refuses; nothing: it takes all.
  call_sink(loan& from, std::string what, std::optional<std::uint64_t> limit);
  ~call_sink();
  call_sink(const call_sink&) = delete;
  call_sink& operator=(const call_sink&) = delete;

  const tocsin_sink* raw() const { return raw_; }
  bool refused() const;
  // What was written; checked for UTF-8.
  std::string text() const;

  struct state;

 private:
  state* state_;
  const tocsin_sink* raw_;
};

}  // namespace tocsin::conformance
