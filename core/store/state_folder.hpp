// The folder that a host keeps its state in: made, locked for one host, and put safely on disk.
#pragma once

#include "core/model/fault.hpp"

#include <filesystem>
#include <utility>

namespace tocsin {

// The lock <folder>/lock, held for as long as this lives. It belongs to the open file: it ends with the process,
// however that ends.
class state_folder_lock {
 public:
  state_folder_lock(state_folder_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  state_folder_lock& operator=(state_folder_lock&&) = delete;
  ~state_folder_lock();

  // Makes folder (mode 0700) if it is missing. Faults: STORE_LOCKED, naming the process that has it; STORE_FAILED.
  static result<state_folder_lock> take(const std::filesystem::path& folder);

 private:
  explicit state_folder_lock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Makes path, if it is missing, as an empty file of mode 0600, and takes every right from others if it is there. Fault:
// STORE_FAILED.
result<void> make_private_file(const std::filesystem::path& path);

// The content of path is on disk. Fault: STORE_FAILED.
result<void> sync_file(const std::filesystem::path& path);

// The names in folder are on disk: a file made in it outlives a power cut. Fault: STORE_FAILED.
result<void> sync_folder(const std::filesystem::path& folder);

}  // namespace tocsin
