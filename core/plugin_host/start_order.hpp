// In which order plugins start: those that offer a service before those that require it. No I/O.
#pragma once

#include "core/model/fault.hpp"
#include "core/model/manifest.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

struct start_plan {
  std::vector<std::size_t> order;                         // indices of plugins, providers first
  std::vector<std::pair<std::size_t, fault>> impossible;  // a service that nobody offers, a ring of requirements
};

// The plugin that serves an extension: the first that provides it, `asking` itself aside.
std::optional<std::size_t> find_provider(std::span<const manifest* const> plugins, std::string_view extension,
                                         std::size_t asking);

// The plugins that `needed` names (null: all) and what they require.
start_plan plan_start(std::span<const manifest* const> plugins, const std::function<bool(const manifest&)>& needed);

}  // namespace tocsin
