// Written beside, synced, renamed.
#include "core/runtime/whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace tocsin {

open_file::~open_file() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = ::write(descriptor, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    if (size == 0) return EIO;  // a file that takes nothing, and says nothing
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return 0;
}

written_file replace_file(const std::filesystem::path& file, std::string_view bytes,
                          const std::function<int(int descriptor)>& before_rename) {
  std::string beside = file.string() + ".XXXXXX";
  written_file written{open_file(::mkostemp(beside.data(), O_CLOEXEC)), 0};
  const int made = written.file.descriptor();
  if (made < 0) {
    written.error = errno;
    return written;
  }
  written.error = write_all(made, bytes);
  if (written.error == 0 && before_rename) written.error = before_rename(made);
  if (written.error == 0 && ::fsync(made) != 0) written.error = errno;
  if (written.error == 0 && ::rename(beside.c_str(), file.c_str()) != 0) written.error = errno;
  if (written.error != 0) {
    ::unlink(beside.c_str());
    return written;
  }
  const auto above = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const open_file folder(::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.descriptor()) != 0) written.error = errno;
  return written;
}

}  // namespace tocsin
