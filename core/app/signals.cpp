#include "core/app/signals.hpp"

#include <csignal>
#include <ctime>

namespace tocsin::app {
namespace {

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void block_signals() {
  const auto set = handled_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int wait_for_signal() {
  const auto set = handled_signals();
  int signal = 0;
  sigwait(&set, &signal);
  return signal;
}

std::optional<int> wait_for_signal(std::chrono::milliseconds limit) {
  const auto set = handled_signals();
  const timespec wait{.tv_sec = limit.count() / 1000, .tv_nsec = limit.count() % 1000 * 1'000'000};
  const int signal = sigtimedwait(&set, nullptr, &wait);
  return signal > 0 ? std::optional(signal) : std::nullopt;
}

}  // namespace tocsin::app
