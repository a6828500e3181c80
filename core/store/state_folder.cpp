// The folder that a host keeps its state in: made, locked for one host, and put safely on disk.
#include "core/store/state_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin {
namespace {

fault failed(const std::string& what, const std::filesystem::path& path, int error) {
  return fault{"STORE_FAILED",
               what + " " + path.string() + ": " + std::strerror(error) + ".",
               "Check that host.state_dir names a folder on a writable disk that belongs to the host's user.",
               {path.string(), 0, 0, {}}};
}

// Whoever may write here could put a token or a key of his own in place of the host's.
result<void> check_owner(const std::filesystem::path& folder) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return failed("Cannot look at the folder", folder, errno);
  const bool ours = status.st_uid == ::geteuid() || status.st_uid == 0;
  if (ours && (status.st_mode & 022) == 0) return {};
  return fault{
      "STORE_FAILED",
      "The folder " + folder.string() + (ours ? " may be written by others" : " belongs to another user") + ".",
      "Give host.state_dir to the host's user, with mode 0700.",
      {folder.string(), 0, 0, {}}};
}

result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) {
    return check_owner(folder);
  }
  const auto whole = std::filesystem::absolute(folder).lexically_normal();
  const auto above = whole.has_filename() ? whole.parent_path() : whole.parent_path().parent_path();
  std::filesystem::create_directories(above, error);
  if (error) {
    return failed("Cannot make the folder", above, error.value());
  }
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return failed("Cannot make the folder", folder, errno);
  }
  return sync_folder(above);
}

std::string process_in(int descriptor) {
  std::array<char, 24> text{};
  const auto size = ::pread(descriptor, text.data(), text.size(), 0);
  std::string digits;
  for (ssize_t at = 0;
       at < size && text[static_cast<std::size_t>(at)] >= '0' && text[static_cast<std::size_t>(at)] <= '9'; ++at) {
    digits += text[static_cast<std::size_t>(at)];
  }
  return digits;
}

void write_process(int descriptor) {
  const std::string text = std::to_string(::getpid()) + "\n";
  // The number only serves a message: the lock holds without it.
  if (::ftruncate(descriptor, 0) == 0) {
    [[maybe_unused]] const auto written = ::pwrite(descriptor, text.data(), text.size(), 0);
  }
}

}  // namespace

state_folder_lock::~state_folder_lock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

result<state_folder_lock> state_folder_lock::take(const std::filesystem::path& folder) {
  if (auto made = make_folder(folder); !made) {
    return made.error();
  }
  const auto path = folder / "lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) {
    return failed("Cannot open the lock", path, errno);
  }
  state_folder_lock lock(descriptor);
  int taken = 0;
  do {
    taken = ::flock(descriptor, LOCK_EX | LOCK_NB);
  } while (taken != 0 && errno == EINTR);
  if (taken == 0) {
    write_process(descriptor);
    return lock;
  }
  if (errno != EWOULDBLOCK) {
    return failed("Cannot lock", path, errno);
  }
  const std::string process = process_in(descriptor);
  return fault{"STORE_LOCKED",
               "Another host" + (process.empty() ? std::string() : " (process " + process + ")") +
                   " runs on the state folder " + folder.string() + ".",
               "Stop it first, or give this host a state_dir of its own.",
               {path.string(), 0, 0, "host.state_dir"}};
}

result<void> make_private_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) {
    return failed("Cannot open", path, errno);
  }
  struct stat status {};
  int error = 0;
  if (::fstat(descriptor, &status) != 0) {
    error = errno;
  } else if (!S_ISREG(status.st_mode)) {
    error = EINVAL;
  } else if ((status.st_mode & 0077) != 0 && ::fchmod(descriptor, 0600) != 0) {
    error = errno;
  }
  ::close(descriptor);
  return error == 0 ? result<void>() : failed("Cannot use", path, error);
}

result<void> sync_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    return failed("Cannot open", path, errno);
  }
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  return error == 0 ? result<void>() : failed("Cannot put on disk", path, error);
}

result<void> sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return failed("Cannot open the folder", folder, errno);
  }
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  return error == 0 ? result<void>() : failed("Cannot put on disk the folder", folder, error);
}

}  // namespace tocsin
