// Finds the manifest and the build id in a plugin's library for Windows, as bytes, so that it can be inspected here.
#pragma once

#include "core/model/fault.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tocsin {

// What a library for Windows says of itself. The view is into the bytes that were read.
struct pe_notes {
  std::string_view manifest;  // the JSON, as it was embedded
  std::string build_id;       // hexadecimal; empty: none
  std::string machine;        // "x86_64"
};

// Does it begin as a program or library for Windows does?
bool is_pe_file(std::span<const std::byte> file);

// Reads a 64-bit DLL: its section .tocsin (docs/formats/manifest.md) and its build id. Trusts nothing in it: every
// offset and size is checked against the bytes that are there, every count has a limit. A fault's code is
// PLUGIN_REFUSED, or MANIFEST_INVALID if the library itself is sound.
result<pe_notes> read_pe_notes(std::span<const std::byte> file);

}  // namespace tocsin
