// Plugins' libraries in this process: loaded once, never unloaded.
#pragma once

#include "core/model/fault.hpp"
#include "core/plugin_host/files/plugin_file.hpp"

#include <tocsin/abi/entry.h>

#include <functional>

namespace tocsin {

// A fault: a load has not come back, so that no further one would. To be asked before a thread is begun for one: a
// thread that registers what it frees at its end waits for the same lock of the system's loader.
result<void> check_loader_is_free();

// Runs the library's constructors and asks it for its entry, which is not checked yet (check_entry). The same bytes
// again give the library that is there already. With TOCSIN_DEBUG_PLUGINS=1 the file itself is loaded, not the bytes
// that were read from it, unless only_checked_bytes. on_stage, where there is one, is called before code of the
// plugin's runs: with "constructor", then with "entry".
result<const tocsin_entry*> load_library(plugin_file file, bool only_checked_bytes,
                                         const std::function<void(const char*)>& on_stage = {});

}  // namespace tocsin
