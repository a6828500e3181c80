// Says whether a file that decides what runs may be trusted, from who owns and who may write it and the folders above
// it. No I/O.
#pragma once

#include "core/model/fault.hpp"

#include <cstdint>
#include <filesystem>
#include <span>

namespace tocsin {

// What is known of a file or folder.
struct file_facts {
  std::filesystem::path path;
  std::uint32_t owner = 0;     // user id
  std::uint32_t mode = 0;      // st_mode
  std::uint32_t group = 0;     // group id
  bool private_group = false;  // the group is the owner's own and has no other member
  bool holds_program = false;  // a folder that the running program itself lies below
};

// file: a plugin's library, or a key. folders: those above it, nearest first. host_user: the user that the host runs
// as. Refused: not a regular file; not owned by root or host_user; it or a folder above it writable by anybody else. A
// root-owned folder with the sticky bit ends the walk, since nobody can replace there what is not theirs. A folder that
// belongs to somebody else counts as writable by them, unless the program lies below it, too: who owns that could
// replace the program itself (a build tree in a home directory, run with sudo).
result<void> check_trust(const file_facts& file, std::span<const file_facts> folders, std::uint32_t host_user);

}  // namespace tocsin
