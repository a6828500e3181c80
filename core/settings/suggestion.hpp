// Words for faults: the nearest known name to one that is not known, and lists of accepted values.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tocsin {

// How many letters must be changed, added, left out or swapped with their neighbour to make b of a.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The known name nearest to `name`, if it is near enough to be what was meant; else empty. Case does not count.
std::string nearest(std::string_view name, std::span<const std::string> known);

// `"a", "b" or "c"`; `nothing` for an empty list.
std::string any_of(std::span<const std::string> names, std::string_view nothing = "nothing");

// `Did you mean "port"? Known are "host" and ...`: the remedy for a name that is not known.
std::string remedy_for_unknown(std::string_view name, std::span<const std::string> known);

}  // namespace tocsin
