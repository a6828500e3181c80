// Writes the mark in one piece, and reads what a host before this one left.
#include "core/plugin_host/containment/start_mark.hpp"

#include "core/model/json.hpp"
#include "core/observe/log.hpp"

#include <boost/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace tocsin {
namespace {

namespace json = boost::json;

constexpr std::size_t most_bytes = 8192;

// The mark that is set, for a handler of signals: its descriptor, and the plugin's id.
std::atomic<int> set_mark{-1};
std::array<char, 128> set_plugin{};

}  // namespace

start_mark::start_mark(const std::filesystem::path& state_dir) {
  if (state_dir.empty()) return;
  file_ = state_dir / "plugin-starting";
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (descriptor_ >= 0) return;
  log::write(log::level::warn, "which plugin is being started cannot be noted",
             {{"file", file_.string()}, {"why", std::strerror(errno)}});
}

start_mark::~start_mark() {
  if (descriptor_ < 0) return;
  int own = descriptor_;
  set_mark.compare_exchange_strong(own, -1);
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
                     std::uint64_t times) {
  if (descriptor_ < 0) return;
  set_mark = -1;
  const std::string line = json::serialize(json::object{{"sha256", sha256},
                                                        {"plugin", plugin.id},
                                                        {"version", plugin.version},
                                                        {"build_id", plugin.build_id},
                                                        {"call", call},
                                                        {"times", times}}) +
                           "\n";
  const bool written = ::ftruncate(descriptor_, 0) == 0 &&
                       ::write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  set_plugin.fill('\0');
  plugin.id.copy(set_plugin.data(), set_plugin.size() - 1);
  set_mark = written ? descriptor_ : -1;
}

void start_mark::clear() {
  set_mark = -1;
  if (descriptor_ >= 0 && ::ftruncate(descriptor_, 0) != 0)
    log::write(log::level::warn, "the note of a plugin's start cannot be cleared", {{"why", std::strerror(errno)}});
}

void start_mark::remove() {
  set_mark = -1;
  if (descriptor_ < 0) return;
  ::unlink(file_.c_str());
  ::close(descriptor_);
  descriptor_ = -1;
}

void start_mark::add_word(std::string_view plugin, std::string_view call, std::string_view how) {
  const int mark = set_mark.load();
  if (mark < 0) return;
  // Another plugin ended the host meanwhile: nothing is to be held against the one that was being started.
  if (plugin != std::string_view(set_plugin.data())) return clear_open_mark();
  std::array<char, 256> line{};
  std::size_t size = 0;
  for (const std::string_view part : {call, std::string_view(" "), how, std::string_view("\n")})
    for (const char c : part)
      if (size < line.size()) line[size++] = c;
  if (::write(mark, line.data(), size) < 0) return;  // nothing more can be done
}

void start_mark::clear_open_mark() {
  const int mark = set_mark.exchange(-1);
  if (mark >= 0 && ::ftruncate(mark, 0) != 0) return;  // then the next host takes a second look
}

}  // namespace tocsin
