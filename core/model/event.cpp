#include "core/model/event.hpp"

#include <array>

namespace tocsin {
namespace {
constexpr std::array<std::string_view, 5> severities{"info", "success", "warn", "error", "fatal"};
}

std::string_view to_text(severity value) { return severities[static_cast<std::size_t>(value)]; }

std::optional<severity> parse_severity(std::string_view text) {
  for (std::size_t at = 0; at < severities.size(); ++at)
    if (severities[at] == text) return static_cast<severity>(at);
  return std::nullopt;
}

}  // namespace tocsin
