// The host's side of a trial: starts the process, listens to it, and says how it ended.
#include "core/plugin_host/containment/plugin_trial.hpp"

#include "core/model/hex.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/containment/trial_pipes.hpp"
#include "core/plugin_host/containment/trial_talk.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

extern char** environ;  // NOLINT(readability-redundant-declaration): not every libc declares it

namespace tocsin {
namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds longest_wait{20};     // between two looks at whether the process still runs
constexpr milliseconds begin_limit{30'000};  // until the program has come to the plugin
constexpr std::size_t kept_output = 2048;
constexpr std::size_t most_answer = std::size_t{64} * 1024;

// A pipe with both ends out of the way of the numbers that the child's ends get.
struct pipe_ends {
  int read = -1;
  int write = -1;

  pipe_ends() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    read = ends[0];
    write = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 16);
    ::close(ends[1]);
    ::fcntl(read, F_SETFL, O_NONBLOCK);
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
  ~pipe_ends() {
    shut(read);
    shut(write);
  }
  static void shut(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  bool usable() const { return read >= 0 && write >= 0; }
};

// What the loader, the language and temporary files need. Not the rest: secrets are in there.
bool is_passed_on(std::string_view variable) {
  static constexpr std::array<std::string_view, 14> names{
      "PATH=",   "HOME=",   "USER=",         "LOGNAME=",       "LANG=",         "LANGUAGE=",   "TZ=",
      "TMPDIR=", "LC_ALL=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LD_PRELOAD=", "LD_LIBRARY_PATH="};
  return variable.starts_with("LC_") || std::any_of(names.begin(), names.end(), [variable](std::string_view name) {
           return variable.starts_with(name);
         });
}

std::vector<char*> scrubbed_environment() {
  std::vector<char*> kept;
  for (char** at = environ; at && *at; ++at)
    if (is_passed_on(*at)) kept.push_back(*at);
  kept.push_back(nullptr);
  return kept;
}

// Descriptors above those that the child's ends get, so that none of those overwrites one of these.
class copies {
 public:
  explicit copies(const std::vector<const plugin_file*>& files) {
    for (const plugin_file* file : files) descriptors_.push_back(::fcntl(file->memory(), F_DUPFD_CLOEXEC, 256));
  }
  copies(const copies&) = delete;
  copies& operator=(const copies&) = delete;
  ~copies() {
    for (const int descriptor : descriptors_)
      if (descriptor >= 0) ::close(descriptor);
  }
  const std::vector<int>& descriptors() const { return descriptors_; }

 private:
  std::vector<int> descriptors_;
};

struct spawn_plan {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  spawn_plan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;
  ~spawn_plan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
};

// 0, or what kept it from being started.
int spawn(const plugin_file& file, const trial_order& order, std::string word, const pipe_ends& answers,
          const pipe_ends& output, pid_t& child) {
  spawn_plan plan;
  ::posix_spawn_file_actions_adddup2(&plan.actions, file.memory(), trial_pipes::plugin);
  ::posix_spawn_file_actions_adddup2(&plan.actions, answers.write, trial_pipes::answers);
  ::posix_spawn_file_actions_addopen(&plan.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&plan.actions, output.write, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&plan.actions, output.write, STDERR_FILENO);
  const copies providers(order.providers);
  int next = trial_pipes::providers;
  for (const int provider : providers.descriptors())
    ::posix_spawn_file_actions_adddup2(&plan.actions, provider, next++);
  ::posix_spawn_file_actions_addclosefrom_np(&plan.actions, next);
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&plan.attributes, &all);
  ::posix_spawnattr_setsigmask(&plan.attributes, &none);
  ::posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::string name = order.program.filename().string();
  std::string command = trial_command;
  std::string parent = std::to_string(::getpid());
  std::string depth = order.depth == trial_depth::start ? "start" : "load";
  std::string shown = file.path().string();
  std::string others = std::to_string(order.providers.size());
  const std::array<char*, 8> arguments{name.data(),  command.data(), parent.data(), depth.data(),
                                       shown.data(), others.data(),  word.data(),   nullptr};
  const auto environment = scrubbed_environment();
  return ::posix_spawn(&child, order.program.c_str(), &plan.actions, &plan.attributes, arguments.data(),
                       environment.data());
}

// Everything that is there now. False: the other end is shut.
bool take(int from, std::string& into, std::size_t most) {
  std::array<char, 4096> piece{};
  while (true) {
    const ssize_t got = ::read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    into.append(piece.data(), static_cast<std::size_t>(got));
    if (into.size() > most) into.erase(0, into.size() - most);
  }
}

struct ending {
  trial_talk said;
  std::string output = {};
  int status = 0;
  bool known = false;  // the status is
  bool late = false;
};

// Listens until the process has ended or is overdue; then it is ended, and its group with it.
ending listen(pid_t child, int answers, int output, milliseconds limit, trial_talk talk) {
  ending end{std::move(talk), {}};
  std::string text;
  auto deadline = steady::now() + begin_limit;
  bool answers_open = true;
  bool output_open = true;
  bool gone = false;
  while (!gone && !end.late) {
    std::array<pollfd, 2> waiting{pollfd{answers_open ? answers : -1, POLLIN, 0},
                                  pollfd{output_open ? output : -1, POLLIN, 0}};
    const bool shut = !answers_open && !output_open;
    // Short steps: whatever the plugin left behind could hold the pipes open after the process has ended.
    ::poll(waiting.data(), waiting.size(), shut ? 1 : static_cast<int>(longest_wait.count()));
    if (answers_open) answers_open = take(answers, text, most_answer);
    if (output_open) output_open = take(output, end.output, kept_output);
    const std::string before = end.said.stage();
    end.said.read(text);
    if (end.said.stage() != before) deadline = steady::now() + limit;
    siginfo_t info{};
    const int seen = ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
    gone = (seen == 0 && info.si_pid == child) || (seen != 0 && errno == ECHILD);
    end.late = !gone && steady::now() >= deadline;
  }
  ::kill(-child, SIGKILL);
  if (end.late) ::kill(child, SIGKILL);
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(child, &end.status, 0);
  } while (reaped < 0 && errno == EINTR);
  end.known = reaped == child;
  take(answers, text, most_answer);
  take(output, end.output, kept_output);
  end.said.read(text);
  return end;
}

std::string clean(std::string_view words) { return abi::line(abi::borrow(words), 256); }

// The last line that it printed, in brackets after what is said of it.
std::string last_line(std::string_view output) {
  while (!output.empty() && (output.back() == '\n' || output.back() == '\r' || output.back() == ' '))
    output.remove_suffix(1);
  const auto begin = output.rfind('\n');
  if (begin != std::string_view::npos) output.remove_prefix(begin + 1);
  while (output.starts_with(' ')) output.remove_prefix(1);
  return output.empty() ? std::string() : "; it printed: " + clean(output);
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

trial_outcome no_trial(std::string why) {
  trial_outcome none;
  none.why = std::move(why);
  return none;
}

bool is_own_fault(int signal) {
  static constexpr std::array own{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
  return std::find(own.begin(), own.end(), signal) != own.end();
}

trial_outcome judge_told(const trial_talk& said) {
  trial_outcome outcome;
  trial_verdict verdict;
  const std::string& last = said.last();
  if (last == "passed") {
    outcome.lasting = true;
  } else if (last.starts_with("threw ") && said.stage().empty()) {
    return no_trial("the process that tries it out failed before it came to the plugin: " + clean(last.substr(6)));
  } else if (last.starts_with("threw ")) {
    verdict = {trial_end::threw, said.stage(), clean(last.substr(6)), {}, {}};
    outcome.lasting = last != "threw std::bad_alloc";
  } else if (last.starts_with("refused ")) {
    const std::string words = last.substr(8);
    const auto tab = words.find('\t');
    verdict = {trial_end::refused, {}, clean(words.substr(0, tab)), {}, {}};
    if (tab != std::string::npos) verdict.remedy = clean(words.substr(tab + 1));
    // The system's loader refuses before any code of the plugin's has run, for what lies around it.
    outcome.lasting = said.stage() != "constructor";
  } else {
    return no_trial("the process that tries it out says: " + clean(last));
  }
  outcome.verdict = std::move(verdict);
  return outcome;
}

trial_outcome judge(const ending& end, milliseconds limit) {
  const trial_talk& said = end.said;
  if (said.version() != TOCSIN_VERSION && !said.version().empty())
    return no_trial("the program for it is of version " + clean(said.version()) + ", not " TOCSIN_VERSION);
  const bool ended_well = end.known && !end.late && WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0;
  if (ended_well && !said.last().empty()) return judge_told(said);
  if (said.stage().empty())
    return no_trial("the process that tries it out ended before it came to the plugin" + last_line(end.output));
  trial_outcome outcome;
  outcome.lasting = true;
  const std::string words = last_line(end.output);
  if (end.late) {
    outcome.verdict = {trial_end::hung, said.stage(), {}, {}, limit};
  } else if (end.known && WIFSIGNALED(end.status)) {
    const int signal = WTERMSIG(end.status);
    outcome.lasting = is_own_fault(signal);  // else somebody's, or for want of memory
    outcome.verdict = {trial_end::crashed, said.stage(), signal_name(signal) + words, {}, {}};
  } else if (end.known) {
    outcome.verdict = {
        trial_end::exited, said.stage(), "status " + std::to_string(WEXITSTATUS(end.status)) + words, {}, {}};
  } else {
    return no_trial("the system does not tell how the process that tries it out ended");
  }
  return outcome;
}

// The word that the process's lines begin with. Empty: the system gives no random bytes.
std::string secret_word() {
  std::array<unsigned char, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) return {};
  return to_hex(std::as_bytes(std::span(random)));
}

}  // namespace

trial_outcome try_plugin(const plugin_file& file, const trial_order& order) {
  pipe_ends answers;
  pipe_ends output;
  if (!answers.usable() || !output.usable()) return no_trial(std::string("there is no pipe: ") + std::strerror(errno));
  const std::string word = secret_word();
  if (word.empty()) return no_trial("the system gives no random bytes");
  pid_t child = 0;
  if (const int error = spawn(file, order, word, answers, output, child); error != 0)
    return no_trial("the program " + order.program.string() + " cannot be started: " + std::strerror(error));
  pipe_ends::shut(answers.write);
  pipe_ends::shut(output.write);
  return judge(
      listen(child, answers.read, output.read, order.limit, trial_talk(word, order.depth == trial_depth::start)),
      order.limit);
}

}  // namespace tocsin
