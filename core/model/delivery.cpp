#include "core/model/delivery.hpp"

namespace tocsin {
namespace {
constexpr std::array<std::string_view, delivery_state_count> states{
    "pending", "sending", "deferred", "held", "delivered", "dead", "dropped", "suppressed", "superseded", "expired"};
}

std::string_view to_text(delivery_state state) { return states[static_cast<std::size_t>(state)]; }

std::optional<delivery_state> parse_delivery_state(std::string_view text) {
  for (std::size_t at = 0; at < states.size(); ++at)
    if (states[at] == text) return static_cast<delivery_state>(at);
  return std::nullopt;
}

bool is_final(delivery_state state) { return state >= delivery_state::delivered; }

}  // namespace tocsin
