// Writes the mark in one piece, and reads what a process before this one left.
#include "core/plugin_host/containment/start_mark.hpp"

#include "core/model/json.hpp"
#include "core/observe/log.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::size_t most_bytes = 8192;
constexpr std::chrono::milliseconds between_looks{10};
constexpr std::chrono::milliseconds most_at_the_end{300};

// Held while a note is written, cleared or closed.
std::timed_mutex changing;

// The note that is set, for a handler of signals: its descriptor, and the plugin's id. A handler counts itself in while
// it uses them; whoever changes them withdraws the note first and waits for the handlers, which are quick.
std::atomic<int> set_note{-1};
std::atomic<int> handlers{0};
std::array<char, 128> set_plugin{};
std::array<char, 64> set_call{};  // empty: every call of the plugin's counts

struct handler {
  handler() { ++handlers; }
  ~handler() { --handlers; }
  handler(const handler&) = delete;
  handler& operator=(const handler&) = delete;
};

// With `changing` held.
void withdraw() {
  set_note = -1;
  while (handlers != 0) std::this_thread::yield();
}

// Belongs to the open file: it ends with the process, however that ends.
bool lock_whole(int descriptor) {
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return ::fcntl(descriptor, F_OFD_SETLK, &whole) == 0;
}

bool is_still_at(const std::filesystem::path& file, int descriptor) {
  struct stat here {};
  struct stat there {};
  return ::fstat(descriptor, &here) == 0 && ::lstat(file.c_str(), &there) == 0 && here.st_ino == there.st_ino &&
         here.st_dev == there.st_dev;
}

}  // namespace

start_mark::start_mark(const std::filesystem::path& state_dir, std::chrono::milliseconds patience)
    : file_(state_dir / "plugin-starting") {
  open(patience);
}

void start_mark::open(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    const int opened = ::open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (opened < 0) {
      why_ = file_.string() + " cannot be opened: " + std::strerror(errno);
      return;
    }
    const bool locked = lock_whole(opened);
    if (locked && is_still_at(file_, opened)) {
      descriptor_ = opened;
      return;
    }
    ::close(opened);
    if (locked) continue;  // whoever had it took it away
    if (std::chrono::steady_clock::now() >= end) {
      why_ = "another process starts plugins and has " + file_.string();
      return;
    }
    std::this_thread::sleep_for(between_looks);
  }
}

start_mark::~start_mark() {
  if (descriptor_ < 0) return;
  const std::lock_guard lock(changing);
  if (set_note == descriptor_) withdraw();
  ::close(descriptor_);
}

std::optional<left_mark> start_mark::left() const {
  std::array<char, most_bytes> bytes{};
  const ssize_t got = descriptor_ < 0 ? 0 : ::pread(descriptor_, bytes.data(), bytes.size(), 0);
  if (got <= 0) return std::nullopt;
  const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
  const auto end = text.find('\n');
  const auto first = parse_json(text.substr(0, end));
  if (end == std::string_view::npos || !first || !first->is_object()) return std::nullopt;  // cut off with the machine
  const json::object& noted = first->get_object();
  left_mark mark{text_of(noted, "sha256"),
                 {text_of(noted, "plugin"), text_of(noted, "version"), text_of(noted, "build_id")},
                 text_of(noted, "call"),
                 1,
                 {}};
  if (const json::value* times = noted.if_contains("times"); times && times->is_int64() && times->get_int64() > 1)
    mark.times = static_cast<std::uint64_t>(times->get_int64());
  // The word of last_words: "CALL HOW".
  std::string_view added = text.substr(end + 1);
  added = added.substr(0, added.find('\n'));
  if (const auto space = added.find(' '); space != std::string_view::npos) {
    mark.call = added.substr(0, space);
    mark.evidence = added.substr(space + 1);
  }
  if (mark.sha256.empty()) return std::nullopt;
  return mark;
}

void start_mark::set(const std::string& sha256, const plugin_identity& plugin, std::string_view call,
                     std::uint64_t times, bool only_this) {
  if (descriptor_ < 0) return;
  const std::string line = json::serialize(json::object{{"sha256", sha256},
                                                        {"plugin", plugin.id},
                                                        {"version", plugin.version},
                                                        {"build_id", plugin.build_id},
                                                        {"call", call},
                                                        {"times", times}}) +
                           "\n";
  const std::lock_guard lock(changing);
  withdraw();
  const bool written = ::ftruncate(descriptor_, 0) == 0 &&
                       ::write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  set_plugin.fill('\0');
  plugin.id.copy(set_plugin.data(), set_plugin.size() - 1);
  set_call.fill('\0');
  if (only_this) call.copy(set_call.data(), set_call.size() - 1);
  set_note = written ? descriptor_ : -1;
}

void start_mark::clear() {
  if (descriptor_ < 0) return;
  const bool cleared = [this] {
    const std::lock_guard lock(changing);
    withdraw();
    return ::ftruncate(descriptor_, 0) == 0;
  }();
  if (!cleared)
    log::write(log::level::warn, "the note of a plugin's start cannot be cleared", {{"why", std::strerror(errno)}});
}

void start_mark::remove() {
  if (descriptor_ < 0) return;
  const std::lock_guard lock(changing);
  withdraw();
  ::unlink(file_.c_str());
  ::close(descriptor_);
  descriptor_ = -1;
}

void start_mark::add_word(std::string_view plugin, std::string_view call, std::string_view how) {
  const handler counted_in;
  const int note = set_note;
  if (note < 0) return;
  const std::string_view only_call(set_call.data());
  if (plugin != std::string_view(set_plugin.data()) || (!only_call.empty() && call != only_call)) {
    set_note = -1;
    if (::ftruncate(note, 0) != 0) return;  // then the next start takes a second look
    return;
  }
  std::array<char, 256> line{};
  std::size_t size = 0;
  for (const std::string_view part : {call, std::string_view(" "), how, std::string_view("\n")})
    for (const char c : part)
      if (size < line.size()) line[size++] = c;
  if (::write(note, line.data(), size) < 0) return;  // nothing more can be done
}

void start_mark::end_process(int status) {
  // For good: nothing is noted between this and the end. But a disk that hangs holds the end up no longer than that.
  if (!changing.try_lock_until(std::chrono::system_clock::now() + most_at_the_end)) std::_Exit(status);
  const int note = set_note.exchange(-1);
  if (note >= 0 && ::ftruncate(note, 0) != 0) std::_Exit(status);  // then the next start takes a second look
  std::_Exit(status);
}

}  // namespace tocsin
