// The embedded store: SQLite in WAL mode with synchronous=FULL, one thread and one connection that writes.
// docs/formats/store.md
#pragma once

#include "core/model/store.hpp"

#include <filesystem>
#include <memory>

namespace tocsin {

// Opens or makes <state_dir>/tocsin.db (mode 0600) and takes the lock <state_dir>/lock for as long as the store lives.
// Faults: STORE_LOCKED (another host runs on this state_dir; names its process), STORE_FAILED (cannot be opened or
// made), STORE_VERSION (written by a newer Tocsin). message_host goes into a new store.
result<std::unique_ptr<store>> open_sqlite_store(const std::filesystem::path& state_dir,
                                                 const std::string& message_host);

}  // namespace tocsin
