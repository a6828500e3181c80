// Walks up by descriptors, so that nothing can be swapped in between.
#include "core/runtime/file_facts.hpp"

#include "core/runtime/whole_file.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <utility>

namespace tocsin {
namespace {

constexpr int max_folders = 256;

fault unseen(int error) {
  return {"FILE_UNUSABLE",
          std::string("a folder above it cannot be seen: ") + std::strerror(error) + ".",
          "Check that the host's user may read it.",
          {}};
}

// Debian gives each user a group of their own name; such a group with no other member is as good as the user.
bool is_private_group(uid_t owner, gid_t group) {
  std::vector<char> user_space(16384);
  std::vector<char> group_space(65536);
  passwd user{};
  passwd* found_user = nullptr;
  if (::getpwuid_r(owner, &user, user_space.data(), user_space.size(), &found_user) != 0 || !found_user) return false;
  ::group entry{};
  ::group* found_group = nullptr;
  if (::getgrgid_r(group, &entry, group_space.data(), group_space.size(), &found_group) != 0 || !found_group)
    return false;
  if (user.pw_gid != group || std::strcmp(user.pw_name, entry.gr_name) != 0) return false;
  for (char** member = entry.gr_mem; *member; ++member)
    if (std::strcmp(*member, user.pw_name) != 0) return false;
  return true;
}

struct seen_folder {
  std::filesystem::path path;
  struct stat seen {};
};

// Every folder from `folder` up to the root, by "..": what the kernel sees, not what the name says.
result<std::vector<seen_folder>> walk_up(int folder) {
  std::vector<seen_folder> above;
  open_file current(::openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < max_folders; ++depth) {
    seen_folder here;
    if (!current || ::fstat(current.descriptor(), &here.seen) != 0) return unseen(errno);
    std::error_code ignored;
    here.path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(current.descriptor()), ignored);
    open_file parent(::openat(current.descriptor(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat upper {};
    if (!parent || ::fstat(parent.descriptor(), &upper) != 0) return unseen(errno);
    const bool root = upper.st_ino == here.seen.st_ino && upper.st_dev == here.seen.st_dev;
    above.push_back(std::move(here));
    if (root) return above;
    current = std::move(parent);
  }
  return fault{"FILE_UNUSABLE",
               "it lies more than " + std::to_string(max_folders) + " folders deep.",
               "Move it further up.",
               {}};
}

using folder_ids = std::set<std::pair<dev_t, ino_t>>;

// The folders above the running program.
const folder_ids& folders_of_program() {
  static const folder_ids ids = [] {
    folder_ids found;
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    const open_file folder(::open(program.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (error || !folder) return found;
    if (const auto above = walk_up(folder.descriptor()))
      for (const seen_folder& at : *above) found.emplace(at.seen.st_dev, at.seen.st_ino);
    return found;
  }();
  return ids;
}

}  // namespace

file_facts facts_of(std::filesystem::path path, const struct stat& seen) {
  file_facts facts{std::move(path), seen.st_uid, seen.st_mode, seen.st_gid};
  if ((seen.st_mode & S_IWGRP) != 0) facts.private_group = is_private_group(seen.st_uid, seen.st_gid);
  return facts;
}

result<std::vector<file_facts>> folders_above(int folder) {
  auto above = walk_up(folder);
  if (!above) return above.error();
  std::vector<file_facts> facts;
  for (seen_folder& at : *above) {
    facts.push_back(facts_of(std::move(at.path), at.seen));
    facts.back().holds_program = folders_of_program().contains({at.seen.st_dev, at.seen.st_ino});
  }
  return facts;
}

}  // namespace tocsin
