// Who makes a request: what the token that came with it allows, and whose it is.
#include "core/http/principal.hpp"

#include "core/routing/router.hpp"

#include <algorithm>
#include <array>

namespace tocsin {
namespace {

constexpr std::array<std::string_view, 5> names{"open", "publish", "read", "operate", "admin"};

}  // namespace

std::string_view to_text(scope value) { return names.at(static_cast<std::size_t>(value)); }

std::optional<scope> parse_scope(std::string_view text) {
  const auto* const found = std::find(names.begin() + 1, names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<scope>(found - names.begin());
}

bool principal::may(scope needed) const {
  if (needed == scope::open || allows == scope::admin) return true;
  return needed == allows || (needed == scope::read && allows == scope::operate);
}

bool principal::may_publish_type(std::string_view type) const {
  return types.empty() ||
         std::any_of(types.begin(), types.end(), [type](const auto& glob) { return matches_glob(glob, type); });
}

}  // namespace tocsin
