// Knows where the system's loader looks: the cache's layout is that of glibc's ldconfig, "glibc-ld.so.cache1.1".
#include "core/plugin_host/files/system_libraries.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string_view>

namespace tocsin {
namespace {

using name_set = std::set<std::string, std::less<>>;

constexpr std::string_view cache_magic = "glibc-ld.so.cache1.1";
constexpr std::size_t cache_header_bytes = 48;
constexpr std::size_t cache_entry_bytes = 24;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

// The names in the cache; nothing if it is not of the known layout.
std::optional<name_set> read_cache(std::string_view bytes) {
  const auto begin = bytes.find(cache_magic);  // some systems keep an older table in front of it
  if (begin == bytes.npos) return std::nullopt;
  bytes.remove_prefix(begin);
  if (bytes.size() < cache_header_bytes) return std::nullopt;
  const std::uint64_t count = number_at(bytes, cache_magic.size());
  if (count > (bytes.size() - cache_header_bytes) / cache_entry_bytes) return std::nullopt;
  name_set names;
  for (std::uint64_t index = 0; index < count; ++index) {
    const std::uint32_t key = number_at(bytes, cache_header_bytes + index * cache_entry_bytes + 4);
    if (key >= bytes.size()) return std::nullopt;
    const std::string_view rest = bytes.substr(key);
    names.emplace(rest.substr(0, rest.find('\0')));
  }
  return names;
}

// Read once: a library that is installed later is found by the next start.
const std::optional<name_set>& cached_names() {
  static const std::optional<name_set> names = [] {
    std::ifstream file("/etc/ld.so.cache", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    return read_cache(bytes);
  }();
  return names;
}

bool is_loaded(const std::string& name) {
  void* library = ::dlopen(name.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (library) ::dlclose(library);
  return library != nullptr;
}

bool in_folder(const std::string& folder, const std::string& name) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::path(folder.empty() ? "." : folder) / name, error);
}

bool in_library_path(const std::string& name) {
  const char* given = std::getenv("LD_LIBRARY_PATH");
  if (!given || !*given) return false;
  std::string folder;
  for (const char* at = given;; ++at) {
    if (*at != ':' && *at != ';' && *at != '\0') {
      folder += *at;
      continue;
    }
    if (in_folder(folder, name)) return true;
    if (*at == '\0') return false;
    folder.clear();
  }
}

bool in_default_folder(const std::string& name) {
  static constexpr std::array folders{"/lib64", "/usr/lib64", "/lib", "/usr/lib"};
  for (const char* folder : folders)
    if (in_folder(folder, name)) return true;
  return false;
}

}  // namespace

result<void> check_needed(std::span<const std::string> needed) {
  for (const std::string& name : needed) {
    if (name.find('/') != name.npos) {
      return fault{"PLUGIN_REFUSED",
                   "it needs the library " + name + " by its path, which leads around what the system trusts.",
                   "Build it against a library that the system's loader finds by its name.",
                   {}};
    }
    const auto& cached = cached_names();
    if (!cached || cached->contains(name) || is_loaded(name) || in_library_path(name) || in_default_folder(name))
      continue;
    return fault{"PLUGIN_REFUSED",
                 "it needs the library " + name + ", which is not installed.",
                 "Install the package that holds " + name + ".",
                 {}};
  }
  return {};
}

}  // namespace tocsin
