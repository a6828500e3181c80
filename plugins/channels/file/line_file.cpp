// Deliveries as lines at a file's end: all of a batch, or none of it, on the disk with one fdatasync.
#include "plugins/channels/file/record.hpp"
#include "plugins/channels/file/system_file.hpp"
#include "plugins/channels/file/target.hpp"

#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

namespace tocsin::file {
namespace {

constexpr int lock_attempts = 40;
constexpr std::chrono::milliseconds lock_pause{50};

class line_file : public target {
 public:
  explicit line_file(const endpoint_settings& settings) : settings_(settings) {}

  item prepare(const sdk::message& message) const override {
    return {message.delivery(), message.endpoint(), {}, compose_record(message)};
  }

  std::vector<verdict> write(std::span<const item> batch) override {
    try {
      append(batch);
      return std::vector<verdict>(batch.size());
    } catch (const trouble& why) {
      return std::vector<verdict>(batch.size(), why.what);
    }
  }

  std::string check_path() override {
    if (open_existing()) return "a file for lines of JSON, " + settings_.path;
    open_parent(settings_.path);
    return settings_.path + " is not there yet and is made with the first notification";
  }

  std::string check_write() override {
    const descriptor parent = open_parent(settings_.path);
    if (!open_existing()) {
      check_room(parent, folder_of(settings_.path));
      return "there is room in " + folder_of(settings_.path);
    }
    if (has_no_room(parent)) fail(ENOSPC, "write to " + settings_.path);
    return "the file is open for writing, and there is room";
  }

 private:
  static bool has_no_room(const descriptor& folder) {
    try {
      check_room(folder, {});
      return false;
    } catch (const trouble& why) {
      return why.what.code == "DISK_FULL";  // a folder that we may not write to does not matter to the file in it
    }
  }

  // Nothing: it is not there.
  descriptor open_existing() const {
    // Non-blocking, so that a FIFO without a reader holds nobody up before it is known for one.
    constexpr int how = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    descriptor opened(::open(settings_.path.c_str(), how));
    if (!opened) {
      if (errno == ENOENT) return {};
      fail(errno, "open " + settings_.path);
    }
    const struct stat facts = facts_of(opened, settings_.path);
    if (!S_ISREG(facts.st_mode)) throw trouble{unsuitable(settings_.path + " is no regular file")};
    check_owner(facts, settings_.path);
    return opened;
  }

  descriptor make() const {
    const descriptor parent = open_parent(settings_.path);
    constexpr int how = O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    descriptor made(::open(settings_.path.c_str(), how, settings_.mode));
    if (!made) {
      if (errno == EEXIST) return open_existing();
      fail(errno, "create " + settings_.path);
    }
    if (::fchmod(made.get(), settings_.mode) != 0) fail(errno, "set the mode of " + settings_.path);
    sync(made, settings_.path);
    sync(parent, folder_of(settings_.path));
    return made;
  }

  // Locked against other processes that write lines there, and still the one that the path names: it may be moved away
  // by a rotation at any time.
  descriptor open_locked() const {
    for (int attempt = 0; attempt < lock_attempts; ++attempt) {
      descriptor opened = open_existing();
      if (!opened) opened = make();
      if (!opened) continue;  // made by somebody and gone again meanwhile
      if (::flock(opened.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) fail(errno, "lock " + settings_.path);
        std::this_thread::sleep_for(lock_pause);
        continue;
      }
      struct stat named {};
      const struct stat held = facts_of(opened, settings_.path);
      if (::lstat(settings_.path.c_str(), &named) == 0 && named.st_ino == held.st_ino && named.st_dev == held.st_dev) {
        return opened;
      }
    }
    fail(EWOULDBLOCK, "lock " + settings_.path);
  }

  void append(std::span<const item> batch) const {
    std::string lines;
    for (const item& one : batch) lines += one.bytes;
    const descriptor file = open_locked();
    const off_t before = mend(file);
    try {
      write_all(file, lines, settings_.path);
      if (::fdatasync(file.get()) != 0) fail(errno, "bring " + settings_.path + " to the disk");
    } catch (...) {
      // Nothing of it was promised. If this fails as well, the torn line is mended at the next open.
      static_cast<void>(::ftruncate(file.get(), before));
      throw;
    }
  }

  // A last line without an end is what a crash left of a notification that was never reported delivered: it is cut off.
  // Any other text is not ours; it gets the line end that it lacks. Returns the file's length.
  off_t mend(const descriptor& file) const {
    const off_t length = facts_of(file, settings_.path).st_size;
    const off_t begin = last_line(file, length);
    if (begin == length) return length;
    std::string start(static_cast<std::size_t>(std::min<off_t>(length - begin, record_start.size())), '\0');
    read_at(file, begin, start);
    if (record_start.substr(0, start.size()) != start) {
      write_all(file, "\n", settings_.path);
      return length + 1;
    }
    if (::ftruncate(file.get(), begin) != 0) fail(errno, "cut a torn line off " + settings_.path);
    return begin;
  }

  // Where the last line begins; the length itself where the file ends in a line end.
  off_t last_line(const descriptor& file, off_t length) const {
    std::string block;
    for (off_t end = length; end > 0;) {
      const off_t begin = std::max<off_t>(0, end - 65536);
      block.resize(static_cast<std::size_t>(end - begin));
      read_at(file, begin, block);
      const std::size_t found = block.rfind('\n');
      if (found != std::string::npos) return begin + static_cast<off_t>(found) + 1;
      end = begin;
    }
    return 0;
  }

  void read_at(const descriptor& file, off_t from, std::string& into) const {
    std::size_t got = 0;
    while (got < into.size()) {
      const ssize_t count = ::pread(file.get(), into.data() + got, into.size() - got, from + static_cast<off_t>(got));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) fail(count < 0 ? errno : EIO, "read the end of " + settings_.path);
      got += static_cast<std::size_t>(count);
    }
  }

  const endpoint_settings settings_;
};

}  // namespace

std::unique_ptr<target> open_line_file(const endpoint_settings& settings) {
  return std::make_unique<line_file>(settings);
}

}  // namespace tocsin::file
