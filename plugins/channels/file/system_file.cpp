// Files and folders of the system, with their failures as `trouble`.
#include "plugins/channels/file/system_file.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

namespace tocsin::file {

descriptor::~descriptor() {
  if (number_ >= 0) ::close(number_);
}

void fail(int error, const std::string& what) { throw trouble{judge(error, what)}; }

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

descriptor open_parent(const std::string& path) {
  const std::string folder = folder_of(path);
  descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) fail(errno, "open the folder " + folder);
  return opened;
}

struct stat facts_of(const descriptor& file, const std::string& path) {
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) fail(errno, "look at " + path);
  return facts;
}

void check_owner(const struct stat& facts, const std::string& path) {
  if (facts.st_uid != ::geteuid() && facts.st_uid != 0) {
    throw trouble{unsuitable(path + " belongs to user " + std::to_string(facts.st_uid) +
                             ", neither to the host's user nor to root; give it to the host's user")};
  }
  if ((facts.st_mode & S_IWOTH) != 0) {
    throw trouble{unsuitable("everybody may write to " + path + "; take that away: chmod o-w " + path)};
  }
}

void write_all(const descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno, "write to " + path);
    if (count == 0) fail(ENOSPC, "write to " + path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void sync(const descriptor& file, const std::string& path) {
  if (::fsync(file.get()) != 0) fail(errno, "bring " + path + " to the disk");
}

void check_room(const descriptor& folder, const std::string& path) {
  if (::faccessat(folder.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) fail(errno, "create anything in " + path);
  struct statvfs room {};
  if (::fstatvfs(folder.get(), &room) != 0) fail(errno, "look for room at " + path);
  const bool counts_files = room.f_files != 0;
  if (room.f_bavail == 0 || (counts_files && room.f_favail == 0)) fail(ENOSPC, "write to " + path);
}

}  // namespace tocsin::file
