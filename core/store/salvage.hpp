// Out of a damaged store into a new one: every row that can still be read.
#pragma once

#include "core/model/fault.hpp"
#include "core/store/sqlite.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace tocsin::sqlite {

// What came of it, for the log.
struct salvage_report {
  std::filesystem::path set_aside;  // where the damaged file is now, its log beside it
  std::uint64_t events = 0;         // that were saved
  std::uint64_t deliveries = 0;
  std::uint64_t lost_rows = 0;  // known to have been there, and not to be read any more
  std::string unreadable;       // not empty: nothing could be read, and why
};

// That a host found damage while it ran is noted beside the file, so that the next start looks no further.
void note_damage(const std::filesystem::path& file);
bool is_noted_as_damaged(const std::filesystem::path& file);

// Ends a salvage that was cut off when nothing but the exchange of the files was left to do. Before the file is opened.
result<void> finish_exchange(const std::filesystem::path& file);

// Writes what can be read of file (and of its log) into a new store, puts that in its place and the damaged one aside,
// as FILE.damaged-TIME. Takes as much room on the disk as the store has. A crash on the way leaves the damaged store in
// its place, or the new one. Faults: STORE_FAILED, nothing has changed: no room, or the disk fails.
result<salvage_report> salvage(const std::filesystem::path& file);

}  // namespace tocsin::sqlite
