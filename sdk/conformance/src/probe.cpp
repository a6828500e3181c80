// SPDX-License-Identifier: Apache-2.0
// Reads /proc/self, and bans system calls with seccomp.
#include "sdk/conformance/src/probe.hpp"

#include "sdk/conformance/src/blackbox.hpp"
#include "sdk/conformance/src/worker.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

namespace tocsin::conformance {
namespace {

namespace fs = std::filesystem;

std::string joined(std::string to, const std::string& more) { return to.empty() ? more : to + ", " + more; }

const law* forbidden_by = nullptr;

const char* name_of(int call) {
  switch (call) {
    case SYS_socket:
      return "socket()";
    case SYS_connect:
      return "connect()";
    default:
      return "clone(), which makes a thread or a process";
  }
}

void on_forbidden(int, siginfo_t* about, void* where) {
  // On the thread that made the call, which is not within the allocator or the kit's locks: it is in a system call of
  // the plugin's.
  blackbox::breach(*forbidden_by, std::string("it called ") + name_of(about->si_syscall));
  auto* context = static_cast<ucontext_t*>(where);
#if defined(__x86_64__)
  context->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
  context->uc_mcontext.regs[0] = static_cast<unsigned long long>(-EPERM);
#else
  static_cast<void>(context);
#endif
}

}  // namespace

std::set<int> threads_now() {
  std::set<int> ids;
  std::error_code gone;
  for (const auto& one : fs::directory_iterator("/proc/self/task", gone)) ids.insert(std::stoi(one.path().filename()));
  return ids;
}

std::map<int, std::string> descriptors_now() {
  std::map<int, std::string> all;
  std::error_code gone;
  for (const auto& one : fs::directory_iterator("/proc/self/fd", gone)) {
    const fs::path target = fs::read_symlink(one.path(), gone);
    // The folder's own descriptor is in the list that it is read from.
    if (!gone && target.string().find("/proc/") != 0) all[std::stoi(one.path().filename())] = target.string();
  }
  return all;
}

std::string threads_since(const std::set<int>& before, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (true) {
    std::string names;
    const std::set<int> own = kit_threads();
    for (const int id : threads_now()) {
      if (before.contains(id) || own.contains(id)) continue;
      std::ifstream file("/proc/self/task/" + std::to_string(id) + "/comm");
      std::string name;
      // One that ended while we looked has no name any more.
      if (std::getline(file, name)) names = joined(std::move(names), name + " (thread " + std::to_string(id) + ")");
    }
    if (names.empty() || std::chrono::steady_clock::now() >= end) return names;
    // A thread that was joined is in /proc for a moment still.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::string descriptors_since(const std::map<int, std::string>& before) {
  std::string names;
  for (const auto& [number, what] : descriptors_now()) {
    const auto found = before.find(number);
    if (found == before.end() || found->second != what) names = joined(std::move(names), what);
  }
  return names;
}

void forbid_threads_and_network(const law& about) {
  forbidden_by = &about;
  struct sigaction action {};
  action.sa_sigaction = on_forbidden;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSYS, &action, nullptr);

  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  const std::vector<int> banned{
      SYS_socket,
      SYS_connect,
      SYS_clone,
#ifdef SYS_clone3
      SYS_clone3,
#endif
  };
  for (std::size_t index = 0; index < banned.size(); ++index) {
    const auto to_trap = static_cast<std::uint8_t>(banned.size() - index);
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(banned[index]), to_trap, 0));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

}  // namespace tocsin::conformance
