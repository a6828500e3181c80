// Polling by stat, which works on every file system; content is read only after a change.
#include "plugins/sources/license_status/watched_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace tocsin::license_status {
namespace {

class descriptor {
 public:
  // Not waiting for a writer where the name is a pipe's.
  explicit descriptor(const char* path) : number_(::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

std::string words_of(int error) { return std::generic_category().message(error); }

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

}  // namespace

watched_files::watched_files(std::filesystem::path path, std::size_t largest_bytes)
    : path_(std::move(path)), largest_bytes_(largest_bytes) {}

folder_look watched_files::look() {
  folder_look found;
  std::vector<std::string> paths;
  std::error_code error;
  const auto kind = std::filesystem::status(path_, error).type();
  if (kind == std::filesystem::file_type::not_found) {
    found.problem = "there is no such file or folder yet; it will be read when it comes";
  } else if (error) {
    found.problem = error.message();
  } else if (kind != std::filesystem::file_type::directory) {
    paths.push_back(path_.string());
  } else {
    for (auto at = std::filesystem::directory_iterator(path_, error); !error && at != std::filesystem::end(at);
         at.increment(error)) {
      const std::string name = at->path().filename().string();
      // Hidden names are what editors and copying programs write to before they rename.
      if (name.front() != '.' && at->path().extension() == ".json") paths.push_back(at->path().string());
    }
    if (error) found.problem = "the folder cannot be read: " + error.message();
  }
  if (!found.problem.empty()) return found;

  std::sort(paths.begin(), paths.end());
  // Both are in order: each is gone through once.
  auto present = paths.begin();
  for (auto at = entries_.begin(); at != entries_.end();) {
    present = std::lower_bound(present, paths.end(), at->first);
    if (present == paths.end() || *present != at->first) {
      found.gone.push_back(at->first);
      at = entries_.erase(at);
    } else {
      ++at;
    }
  }
  for (const std::string& path : paths) look_at(path, found);
  return found;
}

void watched_files::look_at(const std::string& path, folder_look& found) {
  const descriptor file(path.c_str());
  stamp now = file.number() < 0 ? stamp{} : stamp_of(file.number());
  if (file.number() < 0) now.error = errno;
  entry& known = entries_[path];
  const bool same = known.seen == now && now != stamp{};
  if (same && known.settled) return;
  file_change change = read(path, file.number(), now);
  known = entry{now, same && now != stamp{}};
  change.settled = known.settled;
  found.changes.push_back(std::move(change));
}

watched_files::stamp watched_files::stamp_of(int descriptor) {
  struct stat state {};
  if (::fstat(descriptor, &state) != 0) return stamp{0, 0, 0, 0, 0, errno};
  if (!S_ISREG(state.st_mode)) return stamp{0, 0, 0, 0, 0, S_ISDIR(state.st_mode) ? EISDIR : EINVAL};
  return stamp{state.st_dev,
               state.st_ino,
               static_cast<std::uint64_t>(state.st_size),
               nanoseconds(state.st_mtim),
               nanoseconds(state.st_ctim),
               0};
}

file_change watched_files::read(const std::string& path, int descriptor, stamp& now) const {
  file_change change{path, std::nullopt, {}, false};
  if (now.error != 0) {
    change.problem = now.error == EINVAL ? "it is no regular file" : words_of(now.error);
    return change;
  }
  std::string content;
  while (content.size() <= largest_bytes_) {
    char block[16 * 1024];
    const ssize_t count = ::read(descriptor, block, sizeof(block));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      now.error = errno;
      change.problem = words_of(now.error);
      return change;
    }
    if (count == 0) break;
    content.append(block, static_cast<std::size_t>(count));
  }
  // Written to while it was read: look again rather than hold what nobody wrote.
  if (stamp_of(descriptor) != now) now = stamp{};
  change.content = std::move(content);
  return change;
}

}  // namespace tocsin::license_status
