// Says whether the libraries that a plugin needs are there, without loading any.
#pragma once

#include "core/model/fault.hpp"

#include <span>
#include <string>

namespace tocsin {

// needed: names as a library's DT_NEEDED gives them. Looks where the system's loader would (ld.so(8)): what this
// process has loaded, LD_LIBRARY_PATH, /etc/ld.so.cache and the default folders. Refused: a name with a slash, which
// leads around what the system trusts; one that is nowhere. Where the cache cannot be read only the former is checked:
// the loader itself has the last word. [any thread]
result<void> check_needed(std::span<const std::string> needed);

}  // namespace tocsin
