// What the settings say of events by their type: time to live and sensitivity. Pure.
#pragma once

#include "core/routing/type_index.hpp"
#include "core/settings/settings.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

namespace tocsin {

class event_policy {
 public:
  explicit event_policy(std::vector<event_type_settings> types);

  struct decision {
    std::optional<std::chrono::milliseconds> time_to_live;
    bool sensitive = false;
  };
  // Of the globs that match and say something of a key, the longest wins; of two as long, the later one.
  decision of(std::string_view type) const;

 private:
  std::vector<event_type_settings> types_;
  type_index index_;
};

}  // namespace tocsin
