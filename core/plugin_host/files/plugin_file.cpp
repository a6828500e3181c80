// Opens, checks and copies a plugin's file, by descriptors all the way so that nothing can be swapped in between.
#include "core/plugin_host/files/plugin_file.hpp"

#include "core/model/hex.hpp"
#include "core/runtime/file_facts.hpp"
#include "core/runtime/whole_file.hpp"

#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tocsin {
namespace {

constexpr off_t max_file_bytes = off_t{512} * 1024 * 1024;

fault refused(std::string what, std::string remedy) {
  return {"PLUGIN_REFUSED", std::move(what), std::move(remedy), {}};
}

fault unreadable(const std::string& what, int error) {
  return refused(what + ": " + std::strerror(error) + ".", "Check that the host's user may read it.");
}

result<open_file> open_library(int folder, const std::string& name) {
  // O_NONBLOCK: a FIFO must not hold the host up.
  open_file file(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file) return file;
  if (errno == ELOOP) return refused("it is a symbolic link.", "Put the library itself there.");
  if (errno == ENXIO) return refused("it is no regular file.", "Put the library itself there.");
  return unreadable("it cannot be opened", errno);
}

result<open_file> copy_sealed(int file, off_t size, const std::string& name) {
  open_file memory(::memfd_create(name.substr(0, 200).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return unreadable("there is no memory for it", errno);
  off_t offset = 0;
  while (offset < size) {
    const ssize_t copied = ::sendfile(memory.descriptor(), file, &offset, static_cast<std::size_t>(size - offset));
    if (copied < 0 && errno == EINTR) continue;
    if (copied < 0) return unreadable("it cannot be read", errno);
    if (copied == 0) return refused("it became shorter while it was read.", "Install it again, then restart.");
  }
  if (::fcntl(memory.descriptor(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return unreadable("its copy cannot be sealed", errno);
  return memory;
}

}  // namespace

result<plugin_file> plugin_file::read(const std::filesystem::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const open_file folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return unreadable("its folder cannot be opened", errno);
  auto file = open_library(folder.descriptor(), path.filename().string());
  if (!file) return file.error();
  struct stat seen {};
  if (::fstat(file->descriptor(), &seen) != 0) return unreadable("it cannot be looked at", errno);
  const auto folders = folders_above(folder.descriptor());
  if (!folders) return refused(folders.error().what, folders.error().remedy);
  if (auto trusted = check_trust(facts_of(path, seen), *folders, ::geteuid()); !trusted) return trusted.error();
  if (seen.st_size > max_file_bytes) return refused("it is larger than 512 MiB.", "Strip its debug information.");
  auto memory = copy_sealed(file->descriptor(), seen.st_size, path.filename().string());
  if (!memory) return memory.error();
  struct stat place {};
  if (::fstat(folder.descriptor(), &place) != 0) return unreadable("its folder cannot be looked at", errno);
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
  content_hash_ = to_hex(std::as_bytes(std::span(digest)));
  return content_hash_;
}

}  // namespace tocsin
