// A manifest that was read is held against itself: its schema can be used, and what names a setting names one that is
// there. docs/formats/manifest.md
#pragma once

#include "core/model/fault.hpp"
#include "core/model/manifest.hpp"

#include <string_view>

namespace tocsin {

// parse_manifest(), and further faults of the same kind: a keyword of no use, a "required" that names no property, a
// "default" that its own schema refuses, a group of settings that do not exist. The first that is found, with place.key
// the member.
result<manifest> read_manifest(std::string_view json);

}  // namespace tocsin
