// What the settings say of events by their type.
#include "core/bus/event_policy.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tocsin {

// Kept with the shortest glob first, so that each key is taken from the last match that has it.
event_policy::event_policy(std::vector<event_type_settings> types) : types_(std::move(types)) {
  std::stable_sort(types_.begin(), types_.end(),
                   [](const auto& one, const auto& other) { return one.types.size() < other.types.size(); });
  for (std::size_t i = 0; i < types_.size(); ++i) {
    index_.add(types_[i].types, static_cast<type_index::position>(i));
  }
}

event_policy::decision event_policy::of(std::string_view type) const {
  std::vector<type_index::position> found;
  index_.find(type, found);
  std::sort(found.begin(), found.end());
  decision made;
  for (const auto position : found) {
    const auto& one = types_[position];
    if (one.time_to_live) made.time_to_live = one.time_to_live;
    if (one.sensitive) made.sensitive = *one.sensitive;
  }
  return made;
}

}  // namespace tocsin
