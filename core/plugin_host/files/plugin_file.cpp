// Opens, checks and copies a plugin's file, by descriptors all the way so that nothing can be swapped in between.
#include "core/plugin_host/files/plugin_file.hpp"

#include "core/plugin_host/files/file_trust_policy.hpp"

#include <fcntl.h>
#include <grp.h>
#include <openssl/sha.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {
namespace {

constexpr off_t max_file_bytes = off_t{512} * 1024 * 1024;
constexpr int max_folders = 256;

fault refused(std::string what, std::string remedy) {
  return {"PLUGIN_REFUSED", std::move(what), std::move(remedy), {}};
}

fault unreadable(const std::string& what, int error) {
  return refused(what + ": " + std::strerror(error) + ".", "Check that the host's user may read it.");
}

class descriptor {
 public:
  explicit descriptor(int value = -1) : value_(value) {}
  descriptor(descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_;
};

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

file_facts facts_of(std::filesystem::path path, const struct stat& seen) {
  file_facts facts{std::move(path), seen.st_uid, seen.st_mode, seen.st_gid};
  if ((seen.st_mode & S_IWGRP) != 0) facts.private_group = is_private_group(seen.st_uid, seen.st_gid);
  return facts;
}

struct seen_folder {
  std::filesystem::path path;
  struct stat seen {};
};

// Every folder from `folder` up to the root, by "..": what the kernel sees, not what the name says.
result<std::vector<seen_folder>> walk_up(int folder) {
  std::vector<seen_folder> above;
  descriptor current(::openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (int depth = 0; depth < max_folders; ++depth) {
    seen_folder here;
    if (!current || ::fstat(current.get(), &here.seen) != 0)
      return unreadable("a folder above it cannot be seen", errno);
    std::error_code ignored;
    here.path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(current.get()), ignored);
    descriptor parent(::openat(current.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat upper {};
    if (!parent || ::fstat(parent.get(), &upper) != 0) return unreadable("a folder above it cannot be seen", errno);
    const bool root = upper.st_ino == here.seen.st_ino && upper.st_dev == here.seen.st_dev;
    above.push_back(std::move(here));
    if (root) return above;
    current = std::move(parent);
  }
  return refused("it lies more than " + std::to_string(max_folders) + " folders deep.", "Move it further up.");
}

using folder_ids = std::set<std::pair<dev_t, ino_t>>;

// The folders above the running program.
const folder_ids& folders_of_program() {
  static const folder_ids ids = [] {
    folder_ids found;
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    const descriptor folder(::open(program.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (error || !folder) return found;
    if (const auto above = walk_up(folder.get()))
      for (const seen_folder& at : *above) found.emplace(at.seen.st_dev, at.seen.st_ino);
    return found;
  }();
  return ids;
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

result<descriptor> open_library(int folder, const std::string& name) {
  // O_NONBLOCK: a FIFO must not hold the host up.
  descriptor file(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file) return file;
  if (errno == ELOOP) return refused("it is a symbolic link.", "Put the library itself there.");
  if (errno == ENXIO) return refused("it is no regular file.", "Put the library itself there.");
  return unreadable("it cannot be opened", errno);
}

result<descriptor> copy_sealed(int file, off_t size, const std::string& name) {
  descriptor memory(::memfd_create(name.substr(0, 200).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return unreadable("there is no memory for it", errno);
  off_t offset = 0;
  while (offset < size) {
    const ssize_t copied = ::sendfile(memory.get(), file, &offset, static_cast<std::size_t>(size - offset));
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0) return unreadable("it cannot be read", errno);
    if (copied == 0) return refused("it became shorter while it was read.", "Install it again, then restart.");
  }
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return unreadable("its copy cannot be sealed", errno);
  return memory;
}

}  // namespace

result<plugin_file> plugin_file::read(const std::filesystem::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return unreadable("its folder cannot be opened", errno);
  auto file = open_library(folder.get(), path.filename().string());
  if (!file) return file.error();
  struct stat seen {};
  if (::fstat(file->get(), &seen) != 0) return unreadable("it cannot be looked at", errno);
  const auto folders = folders_above(folder.get());
  if (!folders) return folders.error();
  if (auto trusted = check_trust(facts_of(path, seen), *folders, ::geteuid()); !trusted) return trusted.error();
  if (seen.st_size > max_file_bytes) return refused("it is larger than 512 MiB.", "Strip its debug information.");
  auto memory = copy_sealed(file->get(), seen.st_size, path.filename().string());
  if (!memory) return memory.error();
  struct stat place {};
  if (::fstat(folder.get(), &place) != 0) return unreadable("its folder cannot be looked at", errno);
  auto read = map(path, memory->release(), static_cast<std::size_t>(seen.st_size));
  if (read) read->folder_ = {place.st_dev, place.st_ino};
  return read;
}

bool plugin_file::was_in(const std::filesystem::path& folder) const {
  struct stat place {};
  return ::stat(folder.c_str(), &place) == 0 &&
         folder_ == std::pair<std::uint64_t, std::uint64_t>(place.st_dev, place.st_ino);
}

result<plugin_file> plugin_file::adopt(int memory, std::filesystem::path path) {
  constexpr int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
  struct stat seen {};
  const int found = ::fcntl(memory, F_GET_SEALS);
  if (found < 0 || (found & seals) != seals || ::fstat(memory, &seen) != 0)
    return refused("what was handed over is no sealed memory.", "Only a host hands a plugin over so.");
  return map(std::move(path), memory, static_cast<std::size_t>(seen.st_size));
}

result<plugin_file> plugin_file::map(std::filesystem::path path, int memory, std::size_t size) {
  void* data = nullptr;
  if (size > 0) {
    data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, memory, 0);
    if (data == MAP_FAILED) {
      const int error = errno;
      ::close(memory);
      return unreadable("there is no memory for it", error);
    }
  }
  return plugin_file(std::move(path), memory, static_cast<const std::byte*>(data), size);
}

plugin_file::plugin_file(plugin_file&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      folder_(std::move(other.folder_)),
      content_hash_(std::move(other.content_hash_)) {}

plugin_file& plugin_file::operator=(plugin_file&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(folder_, other.folder_);
  std::swap(content_hash_, other.content_hash_);
  return *this;
}

plugin_file::~plugin_file() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::filesystem::path plugin_file::loadable_path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

const std::string& plugin_file::content_hash() const {
  if (!content_hash_.empty()) return content_hash_;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(data_), size_, digest.data());
  constexpr std::string_view digits = "0123456789abcdef";
  for (const unsigned char byte : digest) {
    content_hash_ += digits[byte >> 4];
    content_hash_ += digits[byte & 15];
  }
  return content_hash_;
}

}  // namespace tocsin
