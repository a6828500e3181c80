// Composes the line without memory or locks, since it may be written within a crash.
#include "core/plugin_host/containment/last_words.hpp"

#include "core/model/identifier.hpp"
#include "core/observe/log.hpp"
#include "core/plugin_host/calls/plugin_call.hpp"
#include "core/plugin_host/containment/start_mark.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <future>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

namespace tocsin {
namespace {

constexpr std::array<int, 5> fatal_signals{SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
constexpr std::size_t stack_bytes = std::size_t{64} * 1024;
constexpr int status_of_the_host = 1;
constexpr std::chrono::milliseconds flush_limit{300};  // standard error may be a pipe that nobody reads

std::atomic<bool> installed{false};
std::atomic<int> kept_in{-1};  // a file, or none
pid_t own_process = 0;         // that has last words
bool as_json = false;
std::array<struct sigaction, fatal_signals.size()> before;

// A line of fixed size. What does not fit is cut off.
class line_buffer {
 public:
  void add(std::string_view text) {
    for (const char c : text)
      if (size_ < text_.size() - room_for_end) text_[size_++] = c;
  }
  void add_number(std::uint64_t number, std::size_t digits = 1) {
    std::array<char, 20> reversed{};
    std::size_t count = 0;
    for (; number > 0 || count < digits; number /= 10) reversed[count++] = static_cast<char>('0' + number % 10);
    while (count > 0) add({&reversed[--count], 1});
  }
  // In quotes, so that a name can forge nothing.
  void add_quoted(std::string_view text) {
    add("\"");
    for (const char c : text) {
      if (c == '"' || c == '\\') add("\\");
      add(static_cast<unsigned char>(c) < 0x20 ? " " : std::string_view(&c, 1));
    }
    add("\"");
  }
  // Bare where it is one word, as in the log.
  void add_field(std::string_view name, std::string_view value) {
    begin_field(name);
    bool bare = !as_json && !value.empty();
    for (const char c : value)
      if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '\\' || c == '=') bare = false;
    if (bare)
      add(value);
    else
      add_quoted(value);
  }
  void begin_field(std::string_view name) {
    add(as_json ? ",\"" : " ");
    add(name);
    add(as_json ? "\":" : "=");
  }
  void end() {
    if (as_json) text_[size_++] = '}';
    text_[size_++] = '\n';
  }
  void write_to(int descriptor) const {
    for (std::size_t at = 0; at < size_;) {
      const ssize_t put = ::write(descriptor, text_.data() + at, size_ - at);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return;
      at += static_cast<std::size_t>(put);
    }
  }

 private:
  static constexpr std::size_t room_for_end = 2;
  std::array<char, 2048> text_{};
  std::size_t size_ = 0;
};

// RFC 3339 in UTC, as in the log.
void add_time(line_buffer& line) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::chrono::sys_seconds moment{std::chrono::seconds{now.tv_sec}};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{moment - day};
  line.add_number(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  line.add("-");
  line.add_number(static_cast<unsigned>(date.month()), 2);
  line.add("-");
  line.add_number(static_cast<unsigned>(date.day()), 2);
  line.add("T");
  line.add_number(static_cast<std::uint64_t>(time.hours().count()), 2);
  line.add(":");
  line.add_number(static_cast<std::uint64_t>(time.minutes().count()), 2);
  line.add(":");
  line.add_number(static_cast<std::uint64_t>(time.seconds().count()), 2);
  line.add(".");
  line.add_number(static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000, 3);
  line.add("Z");
}

void begin(line_buffer& line, std::string_view message) {
  line.add(as_json ? "{\"time\":\"" : "");
  add_time(line);
  line.add(as_json ? "\",\"level\":\"error\",\"message\":\"" : " error ");
  line.add(message);
  line.add(as_json ? "\"" : "");
}

void add_about(line_buffer& line, const call_subject& about) {
  if (about.kind.empty()) return;
  line.add_field("about", about.kind);
  if (!about.name.empty()) {
    line.add_field("name", about.name);
  } else if (about.kind == "delivery") {
    line.add_field("id", to_text(static_cast<delivery_id>(about.number)));  // short enough to need no memory
  } else {
    line.begin_field("number");
    line.add_number(about.number);
  }
  if (!about.event.empty()) line.add_field("event", about.event);
  if (about.attempt == 0) return;
  line.begin_field("attempt");
  line.add_number(about.attempt);
}

// Async-signal-safe.
void tell(std::string_view how) {
  if (::getpid() != own_process) return;  // one that a plugin forked: the host is not ended
  line_buffer line;
  if (const plugin_call* call = plugin_call::innermost()) {
    begin(line, "a plugin ended the host");
    line.add_field("plugin", call->plugin().id);
    line.add_field("version", call->plugin().version);
    line.add_field("build", call->plugin().build_id);
    line.add_field("call", call->call());
    line.add_field("how", how);
    add_about(line, call->about());
    start_mark::add_word(call->plugin().id, call->call(), how);
  } else {
    begin(line, "the host was ended outside of any call into a plugin");
    line.add_field("how", how);
  }
  line.end();
  line.write_to(STDERR_FILENO);
  if (const int file = kept_in; file >= 0) line.write_to(file);
}

std::string_view name_of(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGABRT:
      return "SIGABRT";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    default:
      return "SIGILL";
  }
}

void on_fatal_signal(int signal, siginfo_t* info, void*) {
  tell(name_of(signal));
  for (std::size_t at = 0; at < fatal_signals.size(); ++at)
    if (fatal_signals[at] == signal) ::sigaction(signal, &before[at], nullptr);
  // What the instruction itself raised comes again as soon as this returns.
  if (info->si_code <= 0) ::raise(signal);
}

// What waits in the log goes first.
void write_log_out() {
  auto written = std::make_unique<std::promise<void>>();
  auto done = written->get_future();
  std::thread([written = written.release()] {  // never freed: the process ends
    log::flush();
    written->set_value();
  })
      .detach();
  done.wait_for(flush_limit);
}

// Of a thread that is within a plugin, or that is one of a plugin's own: the host leaves by its main thread.
bool is_a_plugins_doing() {
  return ::getpid() == own_process && (plugin_call::innermost() != nullptr || ::gettid() != own_process);
}

void on_exit_called(int status, void*) {
  if (!is_a_plugins_doing()) return;
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "exit(%d)", status);
  write_log_out();
  tell({text.data(), static_cast<std::size_t>(size)});
  ::_exit(status_of_the_host);
}

void on_quick_exit_called() {
  if (!is_a_plugins_doing()) return;
  write_log_out();
  tell("quick_exit()");
  ::_exit(status_of_the_host);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool signals_are_a_sanitizers = true;  // which reports them itself
#else
constexpr bool signals_are_a_sanitizers = false;
#endif

void install_signal_handlers() {
  if (signals_are_a_sanitizers) return;
  for (std::size_t at = 0; at < fatal_signals.size(); ++at) {
    struct sigaction action {};
    action.sa_sigaction = &on_fatal_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    ::sigaction(fatal_signals[at], &action, &before[at]);
  }
}

// As add_about() writes it, in either format.
std::optional<delivery_id> delivery_in(std::string_view words) {
  for (const std::string_view start : {" about=delivery id=", "\"about\":\"delivery\",\"id\":\""}) {
    const auto at = words.find(start);
    if (at == std::string_view::npos) continue;
    const auto id = words.substr(at + start.size());
    return parse_delivery_id(id.substr(0, id.find_first_of(" \"\n")));
  }
  return std::nullopt;
}

}  // namespace

void install_last_words(last_words_format how) {
  if (installed.exchange(true)) return;
  own_process = ::getpid();
  as_json = how == last_words_format::json;
  install_signal_handlers();
  ::on_exit(&on_exit_called, nullptr);
  std::at_quick_exit(&on_quick_exit_called);
}

std::optional<left_words> keep_last_words(const std::filesystem::path& state_dir) {
  const auto path = state_dir / "last-words";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (file < 0) return std::nullopt;
  std::array<char, 4096> bytes{};
  const ssize_t got = ::pread(file, bytes.data(), bytes.size(), 0);
  std::optional<left_words> left;
  if (got > 0) left = left_words{delivery_in({bytes.data(), static_cast<std::size_t>(got)})};
  if (left && ::ftruncate(file, 0) != 0) {
    ::close(file);
    return left;
  }
  if (const int former = kept_in.exchange(file); former >= 0) ::close(former);
  return left;
}

void report_exit(int status) {
  if (installed) on_exit_called(status, nullptr);
}

signal_stack::signal_stack() {
  stack_t present{};
  if (!installed || ::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
  void* memory = ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t own{};
  own.ss_sp = memory;
  own.ss_size = stack_bytes;
  if (::sigaltstack(&own, nullptr) == 0)
    memory_ = memory;
  else
    ::munmap(memory, stack_bytes);
}

signal_stack::~signal_stack() {
  if (!memory_) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
  ::munmap(memory_, stack_bytes);
}

}  // namespace tocsin
