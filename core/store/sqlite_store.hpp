// The embedded store: SQLite in WAL mode with synchronous=FULL, one thread and one connection that writes.
// docs/formats/store.md
#pragma once

#include "core/model/store.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

namespace tocsin {

// Told of each commit that wrote: how many calls shared it, and how long it took. [store thread]
using commit_observer = std::function<void(std::size_t calls, std::chrono::nanoseconds took)>;

// Opens or makes <state_dir>/tocsin.db (mode 0600) and takes the lock <state_dir>/lock for as long as the store lives.
// Faults: STORE_LOCKED (another host runs on this state_dir; names its process), STORE_FAILED (cannot be opened or
// made), STORE_VERSION (written by a newer Tocsin). message_host goes into a new store.
result<std::unique_ptr<store>> open_sqlite_store(const std::filesystem::path& state_dir,
                                                 const std::string& message_host, commit_observer committed = {});

}  // namespace tocsin
