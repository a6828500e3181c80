// Plugins' libraries in this process: loaded once, never unloaded.
#pragma once

#include "core/model/fault.hpp"
#include "core/plugin_host/plugin_file.hpp"

#include <tocsin/abi/entry.h>

namespace tocsin {

// Runs the library's constructors and asks it for its entry, which is not checked yet (check_entry). The same bytes
// again give the library that is there already.
result<const tocsin_entry*> load_library(plugin_file file);

}  // namespace tocsin
