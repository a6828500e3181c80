// What is done with a store's file that nobody writes to: a copy of a running host's, or that of a stopped one. It may
// take minutes; stop cuts it short. [any thread]
#pragma once

#include "core/model/event.hpp"
#include "core/model/fault.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tocsin {

struct store_check {
  std::vector<std::string> problems;  // none: all is well; at most about a hundred
  std::uint64_t events = 0, deliveries = 0, payloads = 0;
  bool ok() const { return problems.empty(); }
};

// SQLite's integrity_check, and what the store promises of itself: counters equal rows, what waits is due, what is
// being sent is leased, payloads can be read. key_file: of what is sensitive. Faults: STORE_FAILED,
// STORE_CHECK_CUT_SHORT.
result<store_check> check_store_file(const std::filesystem::path& file, const std::filesystem::path& key_file,
                                     const std::atomic<bool>& stop);

struct store_backup {
  std::filesystem::path file;
  std::uint64_t bytes = 0, events = 0, deliveries = 0;
  std::uint64_t left_out = 0;  // payloads of sensitive events
};

// Makes a backup of a copy: without the payloads of sensitive events, one file, on disk, under its name, which must be
// free. The copy is gone then, whatever comes of it. Faults: BACKUP_EXISTS, STORE_FAILED, STORE_CHECK_CUT_SHORT.
result<store_backup> finish_backup(const std::filesystem::path& copy, const std::filesystem::path& target, time_ms now,
                                   const std::atomic<bool>& stop);
// BACKUP_EXISTS, or that the folder is not there.
result<void> may_back_up_to(const std::filesystem::path& target);
// Where a copy is put meanwhile, on the same disk; nothing is there.
std::filesystem::path copy_beside(const std::filesystem::path& target);
void remove_copy(const std::filesystem::path& copy);

// The same for a host that does not run. Faults: STORE_LOCKED (it runs), and those of the above.
result<store_check> check_stopped_store(const std::filesystem::path& state_dir);
result<store_backup> back_up_stopped_store(const std::filesystem::path& state_dir, const std::filesystem::path& target,
                                           time_ms now);

}  // namespace tocsin
