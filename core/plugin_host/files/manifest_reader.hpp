// Finds the manifest and the build id in a plugin's library, as bytes, without running any of it.
#pragma once

#include "core/model/fault.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

// The largest manifest that is read.
inline constexpr std::size_t max_manifest_bytes = 1024 * 1024;

// What the notes of a library say. The views are into the bytes that were read.
struct library_notes {
  std::string_view manifest;        // the JSON, as it was embedded
  std::string build_id;             // hexadecimal; empty: none
  std::string search_path;          // DT_RPATH or DT_RUNPATH; empty: none
  std::vector<std::string> needed;  // DT_NEEDED: the libraries that the system's loader has to find for it
};

// ELF machine number (e_machine) of this host.
std::uint16_t host_machine();

// Reads an ELF64 shared library for `machine`: the ELF note "Tocsin" type 1 (docs/formats/manifest.md) and the GNU
// build id. Trusts nothing in it: every offset and size is checked against the bytes that are there, every count has a
// limit. A fault's code is PLUGIN_REFUSED, or MANIFEST_INVALID if the library itself is sound.
result<library_notes> read_library_notes(std::span<const std::byte> file, std::uint16_t machine = host_machine());

}  // namespace tocsin
