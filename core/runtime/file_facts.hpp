// Looks at a file and the folders above it, for check_trust().
#pragma once

#include "core/model/fault.hpp"
#include "core/model/file_trust_policy.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <vector>

namespace tocsin {

file_facts facts_of(std::filesystem::path path, const struct stat& seen);

// Of each folder from the open one up to the root, by "..": what the kernel sees, not what the name says. Fault:
// FILE_UNUSABLE.
result<std::vector<file_facts>> folders_above(int folder);

}  // namespace tocsin
