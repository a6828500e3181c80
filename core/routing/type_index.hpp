// An index of globs over event types: finds the few patterns that match without looking at all of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tocsin {

// Patterns without '*' are found by one look into a hash map. The others are filed under the text before their first
// '*', so that a type is compared only with patterns that begin as it does; one look for each length of such
// beginnings.
class type_index {
 public:
  using position = std::uint32_t;

  // position: what find() answers for this pattern.
  void add(std::string_view pattern, position where);

  // Appends the positions of all patterns that match, in no order; one that was added under several matching patterns
  // comes several times.
  void find(std::string_view type, std::vector<position>& found) const;

 private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  struct tail {
    std::string pattern;  // from the first '*' on
    position where;
  };
  template <class T>
  using table = std::unordered_map<std::string, std::vector<T>, hash, std::equal_to<>>;

  table<position> exact_;
  std::map<std::size_t, table<tail>> by_prefix_;  // length of the prefix -> prefix -> patterns
};

}  // namespace tocsin
