// Opens a store's file for a run: brought up to date, saved where it is damaged, and with the key that it needs.
#pragma once

#include "core/model/fault.hpp"
#include "core/store/sealing.hpp"
#include "core/store/sqlite.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace tocsin {

struct opened_store_file {
  std::unique_ptr<sqlite::connection> database;
  std::int64_t owner = 0;  // another number in each run, so that a lease tells which run took it
};

// Makes the key of a new store. message_host is kept in a new store and passed over in any other. Faults: STORE_FAILED,
// STORE_VERSION (a newer Tocsin's), STORE_KEY_LOST (sensitive deliveries wait that only another key can read).
result<opened_store_file> open_store_file(const std::filesystem::path& file, std::optional<sealing_key>& key,
                                          const std::string& message_host);

// STORE_FAILED in an operator's words.
fault cannot_open_store(const std::filesystem::path& file, const sqlite::failure& why);

// Replaces a file that is closed and damaged by what can be read of it, and opens that. Throws failure.
result<std::unique_ptr<sqlite::connection>> save_store_file(const std::filesystem::path& file);

}  // namespace tocsin
