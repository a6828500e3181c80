// SPDX-License-Identifier: Apache-2.0
// Names for what a plugin keeps for the host: endpoints, sources.
#pragma once

#include <tocsin/sdk/string.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace tocsin::sdk {

// Values by token. A token that was erased names nothing any more, even when its place is used again. Not synchronized:
// where calls come on several threads, the owner locks.
template <class Value>
class token_table {
 public:
  token add(Value value) {
    std::uint64_t index = 0;
    if (free_.empty()) {
      index = slots_.size();
      slots_.emplace_back();
    } else {
      index = free_.back();
      free_.pop_back();
    }
    slot& at = slots_[index];
    at.value.emplace(std::move(value));
    return token{index, at.generation};
  }

  // Null if the token names nothing. Valid until the next add() or erase().
  Value* find(token name) noexcept {
    if (name.index >= slots_.size()) return nullptr;
    slot& at = slots_[name.index];
    return at.value && at.generation == name.generation ? &*at.value : nullptr;
  }

  bool erase(token name) {
    if (find(name) == nullptr) return false;
    free_.push_back(name.index);
    slots_[name.index].value.reset();
    ++slots_[name.index].generation;
    return true;
  }

  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint64_t index = 0; index < slots_.size(); ++index) {
      if (slots_[index].value) visit(token{index, slots_[index].generation}, *slots_[index].value);
    }
  }

 private:
  struct slot {
    std::uint64_t generation = 1;  // never 0, so that {0, 0} names nothing
    std::optional<Value> value;
  };
  std::vector<slot> slots_;
  std::vector<std::uint64_t> free_;
};

}  // namespace tocsin::sdk
