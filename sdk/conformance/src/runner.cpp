// SPDX-License-Identifier: Apache-2.0
// Runs cases, each in a process of its own, and tells how a process ended that did not end well.
#include "sdk/conformance/src/call_watch.hpp"
#include "sdk/conformance/src/case.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <thread>

namespace tocsin::conformance {
namespace {

namespace fs = std::filesystem;
using steady = std::chrono::steady_clock;

constexpr std::size_t kept_lines = 12;

void apply(case_result& result, char kind, const std::vector<std::string>& fields) {
  if (kind == 'b' && fields.size() == 5) {
    result.verdict = verdict::failed;
    breach one{fields[0], fields[1], fields[2], fields[3], fields[4]};
    const bool again = std::any_of(result.breaches.begin(), result.breaches.end(), [&](const breach& other) {
      return other.what == one.what && other.call == one.call;
    });
    constexpr std::size_t most = 20;
    if (!again && result.breaches.size() < most) result.breaches.push_back(std::move(one));
  } else if (kind == 's' && !fields.empty() && result.verdict == verdict::ok) {
    result.verdict = verdict::skipped;
    result.reason = fields[0];
  } else if (kind == 'l' && !fields.empty()) {
    if (result.log.size() == kept_lines) result.log.erase(result.log.begin());
    result.log.push_back(fields[0]);
  }
}

void add(case_result& result, const law& broken, std::string what, std::string call) {
  apply(result, 'b', {std::move(what), broken.text, broken.header, broken.tag, std::move(call)});
}

void run_body(const test_case& one, const subject& what, const options& how, const std::string& folder) {
  if (!what.manifest_fault.empty() && !one.without_manifest) {
    blackbox::skip("its manifest cannot be used (manifest.valid says why)");
    return;
  }
  bench on(what, how, one.name, folder);
  try {
    one.run(on, one.about);
  } catch (const skip_case& skipped) {
    blackbox::skip(skipped.why);
  } catch (const end_case&) {
    // The breach is written.
  }
  on.stop_services();
}

// One record: kind, the number of fields, then each field's size and bytes.
std::string encode(char kind, const std::vector<std::string>& fields) {
  std::string bytes(1, kind);
  const auto number = [&bytes](std::size_t value) {
    const auto small = static_cast<std::uint32_t>(value);
    bytes.append(reinterpret_cast<const char*>(&small), sizeof(small));
  };
  number(fields.size());
  for (const std::string& field : fields) {
    number(field.size());
    bytes += field;
  }
  return bytes;
}

// Takes the whole records off the front of `bytes`. True: the last of them was the end.
bool decode(std::string& bytes, case_result& into) {
  bool ended = false;
  while (true) {
    std::size_t at = 1;
    const auto number = [&]() -> std::optional<std::uint32_t> {
      std::uint32_t value = 0;
      if (bytes.size() < at + sizeof(value)) return std::nullopt;
      std::memcpy(&value, bytes.data() + at, sizeof(value));
      at += sizeof(value);
      return value;
    };
    const auto count = number();
    if (!count) return ended;
    std::vector<std::string> fields;
    for (std::uint32_t index = 0; index < *count; ++index) {
      const auto size = number();
      if (!size || bytes.size() < at + *size) return ended;
      fields.push_back(bytes.substr(at, *size));
      at += *size;
    }
    apply(into, bytes.front(), fields);
    ended = ended || bytes.front() == 'e';
    bytes.erase(0, at);
  }
}

void write_all(int descriptor, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t done = write(descriptor, bytes.data() + at, bytes.size() - at);
    if (done > 0) at += static_cast<std::size_t>(done);
    if (done < 0 && errno != EINTR) return;
  }
}

[[noreturn]] void child(const test_case& one, const subject& what, const options& how, const std::string& folder,
                        int pipe_end, int output, shared_marks* marks) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  // Out of the way of a plugin that counts on low numbers.
  const int records = fcntl(pipe_end, F_DUPFD_CLOEXEC, 200);
  if (chdir(folder.c_str()) != 0 || records < 0) _exit(125);
  blackbox::open(
      [records](char kind, const std::vector<std::string>& fields) { write_all(records, encode(kind, fields)); },
      marks);
  blackbox::watch_process();
  run_body(one, what, how, folder);
  blackbox::end();
  _exit(0);
}

// "5 s", "200 ms".
std::string in_seconds(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

std::string unfinished_calls(const shared_marks& marks) {
  std::string names;
  for (const auto& call : marks.calls) {
    if (call[0] == '\0') continue;
    names += (names.empty() ? "" : ", ") + std::string(call.data(), strnlen(call.data(), call.size()));
  }
  return names;
}

// How a process ended before its case was at its end.
struct ending {
  int status = 0;
  bool late = false;    // the case's time was over
  std::string overdue;  // the call that had lasted too long; empty: none
};

// What is to be said of it.
void tell_end(case_result& result, const shared_marks& marks, const ending& end, const options& how) {
  static constexpr law hangs{"a plugin never blocks a call for long, nor what waits for it", "tocsin/abi/types.h",
                             "[control], [worker], [any]"};
  const int status = end.status;
  if (!end.overdue.empty()) {
    return add(result, hangs,
               "it did not return from " + end.overdue + " within " + in_seconds(how.call_limit) +
                   ", the time that a host gives a call ([plugins] call_limit)",
               end.overdue);
  }
  const std::string unfinished = unfinished_calls(marks);
  if (end.late) {
    const std::string what = "the case did not end within " + in_seconds(how.timeout);
    return add(result, hangs, unfinished.empty() ? what : what + "; it was waiting for " + unfinished, unfinished);
  }
  const std::string call(marks.last_call.data(), strnlen(marks.last_call.data(), marks.last_call.size()));
  if (marks.exit_called != 0) return add(result, laws::survives, "it called exit(), which ends the whole host", call);
  if (WIFSIGNALED(status)) {
    const std::string note(marks.note.data(), strnlen(marks.note.data(), marks.note.size()));
    std::string what = std::string("it crashed: ") + strsignal(WTERMSIG(status));
    if (!note.empty()) what += "; " + note;
    const bool lent = note.find(" lent it") != std::string::npos;
    return add(result, lent ? laws::lent : laws::survives, what,
               marks.signal != 0 ? (call.empty() ? "none: on a thread of the plugin's" : call) : unfinished);
  }
  add(result, laws::survives, "it ended the process with status " + std::to_string(WEXITSTATUS(status)), unfinished);
}

void read_output(case_result& result, int output) {
  std::string text(16 * 1024, '\0');
  const off_t size = lseek(output, 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
  const ssize_t got = pread(output, text.data(), text.size(), from);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) apply(result, 'l', {text.substr(at, end - at)});
    at = end + 1;
  }
}

std::string make_folder() {
  std::error_code ignored;
  std::string name = (fs::temp_directory_path(ignored) / "tocsin-conformance-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("cannot make a folder like " + name + ": " + std::strerror(errno) + "; set TMPDIR");
  return name;
}

// Reads what the child says until it has ended or its time is over; then nothing of it runs any more.
ending watch(pid_t pid, int pipe_end, case_result& result, bool& ended, call_watch& calls,
             std::chrono::milliseconds limit) {
  const auto deadline = steady::now() + limit;
  ending end;
  std::string bytes;
  bool gone = false;
  while (!ended && !end.late && end.overdue.empty()) {
    // Short steps: a process that the plugin left behind would keep the pipe open after the child's end.
    pollfd waiting{pipe_end, POLLIN, 0};
    const int ready = poll(&waiting, 1, 20);
    if (ready > 0) {
      std::string piece(64 * 1024, '\0');
      const ssize_t got = read(pipe_end, piece.data(), piece.size());
      if (got > 0) ended = decode(bytes.append(piece, 0, static_cast<std::size_t>(got)), result);
      if (got == 0) break;
    } else if (gone) {
      break;
    }
    if (!gone) gone = waitpid(pid, &end.status, WNOHANG) == pid;
    if (gone || ended) continue;
    end.overdue = calls.overdue();
    end.late = steady::now() >= deadline;
  }
  if (gone) {
    kill(-pid, SIGKILL);
    return end;
  }
  // It ends by itself a moment after its last record; a plugin's thread may hold that up.
  const auto end_by = steady::now() + (ended ? std::chrono::milliseconds(2'000) : std::chrono::milliseconds(0));
  while (!gone && steady::now() < end_by) {
    gone = waitpid(pid, &end.status, WNOHANG) == pid;
    if (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  kill(-pid, SIGKILL);
  if (!gone) {
    kill(pid, SIGKILL);
    waitpid(pid, &end.status, 0);
  }
  return end;
}

void run_isolated(const test_case& one, const subject& what, const options& how, const std::string& folder,
                  case_result& result) {
  void* memory = mmap(nullptr, sizeof(shared_marks), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int ends[2] = {-1, -1};
  const int output = memfd_create("output", MFD_CLOEXEC);
  if (memory == MAP_FAILED || output < 0 || pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error(std::string("cannot prepare a process for a case: ") + std::strerror(errno));
  auto* marks = new (memory) shared_marks{};
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error(std::string("cannot make a process for a case: ") + std::strerror(errno));
  if (pid == 0) {
    close(ends[0]);
    child(one, what, how, folder, ends[1], output, marks);
  }
  close(ends[1]);
  bool ended = false;
  call_watch calls(pid, *marks, how.call_limit);
  const ending end = watch(pid, ends[0], result, ended, calls, how.timeout);
  close(ends[0]);
  if (!ended) tell_end(result, *marks, end, how);
  if (result.verdict == verdict::failed) read_output(result, output);
  close(output);
  munmap(memory, sizeof(shared_marks));
}

void run_here(const test_case& one, const subject& what, const options& how, const std::string& folder,
              case_result& result) {
  blackbox::open([&result](char kind, const std::vector<std::string>& fields) { apply(result, kind, fields); },
                 nullptr);
  run_body(one, what, how, folder);
  blackbox::open({}, nullptr);
}

}  // namespace

std::size_t report::count(verdict what) const {
  return static_cast<std::size_t>(
      std::count_if(results.begin(), results.end(), [&](const case_result& each) { return each.verdict == what; }));
}

report run(const subject& what, const options& how, const std::function<void(const case_result&)>& each) {
  report all;
  all.about = what;
  all.seed = how.seed;
  const auto begin = steady::now();
  for (const case_info& chosen : select_cases(how.only)) {
    const auto found = std::find_if(case_list().begin(), case_list().end(),
                                    [&](const test_case& one) { return chosen.name == one.name; });
    case_result result;
    result.about = chosen;
    const std::string folder = make_folder();
    const auto since = steady::now();
    if (how.in_process) {
      run_here(*found, what, how, folder, result);
    } else {
      run_isolated(*found, what, how, folder, result);
    }
    result.duration = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - since);
    if (result.verdict != verdict::failed) result.log.clear();
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    each(result);
    all.results.push_back(std::move(result));
  }
  all.duration = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begin);
  return all;
}

}  // namespace tocsin::conformance
