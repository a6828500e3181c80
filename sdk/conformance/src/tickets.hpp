// SPDX-License-Identifier: Apache-2.0
// Things that must be answered exactly once: deliveries, requests, calls, diagnoses.
#pragma once

#include "sdk/conformance/src/law.hpp"

#include <tocsin/abi/types.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace tocsin::conformance {

inline std::string to_text(tocsin_token token) {
  return "{" + std::to_string(token.index) + ", " + std::to_string(token.generation) + "}";
}

// [any thread]
class tickets {
 public:
  tickets(const law& about, const char* noun) : law_(about), noun_(noun) {}

  tocsin_token issue() {
    const std::lock_guard lock(mutex_);
    // Neither number begins at 1, so that an index that is taken for a generation is noticed.
    const tocsin_token token{1'000 + ++last_, 7'000 + last_ * 3};
    answers_[{token.index, token.generation}] = 0;
    return token;
  }

  // What is wrong with this answer; empty: nothing.
  std::string answer(tocsin_token token) {
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find({token.index, token.generation});
    if (found == answers_.end())
      return "it answered " + std::string(noun_) + " " + to_text(token) + ", which it never got";
    if (++found->second > 1)
      return "it answered " + std::string(noun_) + " " + to_text(token) + " " + std::to_string(found->second) +
             " times";
    return {};
  }

  bool answered(tocsin_token token) const {
    const std::lock_guard lock(mutex_);
    const auto found = answers_.find({token.index, token.generation});
    return found != answers_.end() && found->second > 0;
  }
  bool known(tocsin_token token) const {
    const std::lock_guard lock(mutex_);
    return answers_.contains({token.index, token.generation});
  }
  std::size_t outstanding() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& one : answers_) count += one.second == 0 ? 1 : 0;
    return count;
  }
  const law& about() const { return law_; }

 private:
  const law& law_;
  const char* noun_;
  mutable std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> answers_;
};

}  // namespace tocsin::conformance
