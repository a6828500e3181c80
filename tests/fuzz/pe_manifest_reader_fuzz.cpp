// Fuzz target: any bytes as a plugin's library for Windows.
#include "core/plugin_host/files/pe_manifest_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto notes = tocsin::read_pe_notes(std::as_bytes(std::span(data, size)));
  // A fault always says something, and the manifest lies within the bytes that were given.
  if (!notes && notes.error().what.empty()) std::abort();
  if (notes && !notes->manifest.empty()) {
    const char* const begin = reinterpret_cast<const char*>(data);
    if (notes->manifest.data() < begin || notes->manifest.data() + notes->manifest.size() > begin + size) std::abort();
  }
  return 0;
}
