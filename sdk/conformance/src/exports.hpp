// SPDX-License-Identifier: Apache-2.0
// What a library exports, read from its file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tocsin::conformance {

// Names of the defined, visible dynamic symbols of an ELF64 library; `fault` says why there are none.
std::vector<std::string> exported_symbols(const std::filesystem::path& file, std::string& fault);

}  // namespace tocsin::conformance
