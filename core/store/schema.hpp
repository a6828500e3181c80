// The store's tables and the steps that bring an older store up to them. docs/formats/store.md explains each column.
#pragma once

#include "core/store/sqlite.hpp"

#include <cstdint>

namespace tocsin::sqlite {

inline constexpr std::int64_t application_id = 0x54435331;  // "TCS1" in the file's header

// The version that this Tocsin writes.
std::int64_t schema_version();
// What the file says: 0 for a new one.
std::int64_t schema_version_of(connection& database);
// Every step from the file's version to `version`, in one transaction. Throws failure.
void migrate(connection& database, std::int64_t version = schema_version());

}  // namespace tocsin::sqlite
