// Fuzz target: any bytes as a plugin's library, and its manifest, or any bytes as a manifest.
#include "core/model/manifest.hpp"
#include "core/plugin_host/files/manifest_reader.hpp"
#include "core/settings/manifest_check.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto notes = tocsin::read_library_notes(bytes);
  const std::string_view whole(reinterpret_cast<const char*>(data), size);
  const auto manifest = tocsin::read_manifest(notes ? notes->manifest : whole);
  // A fault always says something, and the manifest lies within the bytes that were given.
  if (!notes && notes.error().what.empty()) std::abort();
  if (!manifest && manifest.error().what.empty()) std::abort();
  if (notes && !notes->manifest.empty()) {
    if (notes->manifest.data() < whole.data()) std::abort();
    if (notes->manifest.data() + notes->manifest.size() > whole.data() + whole.size()) std::abort();
  }
  return 0;
}
