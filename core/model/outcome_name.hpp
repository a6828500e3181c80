// The names of outcome classes, as manifests have them.
#pragma once

#include "core/model/outcome.hpp"

#include <array>
#include <string_view>

namespace tocsin {

// In the order of their values. A manifest's codes have all but "returned": nothing was tried then.
inline constexpr std::array<std::string_view, 8> outcome_class_names{"delivered", "permanent", "transient", "throttled",
                                                                     "config",    "auth",      "uncertain", "returned"};

constexpr std::string_view name_of(outcome_class which) {
  return outcome_class_names[static_cast<std::size_t>(which) % outcome_class_names.size()];
}

}  // namespace tocsin
