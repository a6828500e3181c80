// A plugin's file, read once into sealed memory: what is checked is what is loaded.
#pragma once

#include "core/model/fault.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace tocsin {

// The bytes of a library that passed check_trust(), in memory that nobody can change any more. Move-only; frees the
// memory at its end.
class plugin_file {
 public:
  // Opens without following a link, checks owner and modes of the file and of each folder above it, copies.
  static result<plugin_file> read(const std::filesystem::path& path);

  // Memory that was read so by another process, and is sealed. The descriptor is this one's from now on. path: what it
  // is called where it is shown.
  static result<plugin_file> adopt(int memory, std::filesystem::path path);

  plugin_file(plugin_file&& other) noexcept;
  plugin_file& operator=(plugin_file&& other) noexcept;
  ~plugin_file();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  // "/proc/self/fd/N": loads exactly bytes().
  std::filesystem::path loadable_path() const;
  // It was read out of that very folder, whatever has been renamed since. False of one that was handed over.
  bool was_in(const std::filesystem::path& folder) const;
  int memory() const { return descriptor_; }  // the descriptor of the sealed memory
  // SHA-256 of bytes(), hexadecimal. Reckoned once. [one thread]
  const std::string& content_hash() const;

 private:
  static result<plugin_file> map(std::filesystem::path path, int memory, std::size_t size);
  plugin_file(std::filesystem::path path, int descriptor, const std::byte* data, std::size_t size)
      : path_(std::move(path)), descriptor_(descriptor), data_(data), size_(size) {}

  std::filesystem::path path_;
  int descriptor_ = -1;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::pair<std::uint64_t, std::uint64_t> folder_{};  // device and inode
  mutable std::string content_hash_;
};

}  // namespace tocsin
