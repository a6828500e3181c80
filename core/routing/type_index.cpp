// The index of globs over event types.
#include "core/routing/type_index.hpp"

#include "core/routing/router.hpp"

namespace tocsin {

void type_index::add(std::string_view pattern, position where) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) {
    exact_[std::string(pattern)].push_back(where);
    return;
  }
  by_prefix_[star][std::string(pattern.substr(0, star))].push_back({std::string(pattern.substr(star)), where});
}

void type_index::find(std::string_view type, std::vector<position>& found) const {
  if (const auto it = exact_.find(type); it != exact_.end()) {
    found.insert(found.end(), it->second.begin(), it->second.end());
  }
  for (const auto& [length, prefixes] : by_prefix_) {
    if (length > type.size()) break;
    const auto it = prefixes.find(type.substr(0, length));
    if (it == prefixes.end()) continue;
    const auto rest = type.substr(length);
    for (const auto& [pattern, where] : it->second) {
      if (pattern == "*" || matches_glob(pattern, rest)) found.push_back(where);
    }
  }
}

}  // namespace tocsin
