// The end of a host: signals are taken on a thread of their own, and what hangs elsewhere cannot outlast them.
#include "core/app/termination.hpp"

#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <future>
#include <utility>

#include "core/app/commands.hpp"
#include "core/app/signals.hpp"
#include "core/app/state_files.hpp"
#include "core/observe/log.hpp"
#include "core/plugin_host/containment/start_mark.hpp"

namespace tocsin::app {
namespace {

// The log may be what hangs: a pipe that nobody reads.
constexpr std::chrono::milliseconds flush_limit{300};

}  // namespace

void host_progress::serves_in(const std::filesystem::path& state_dir) {
  const std::lock_guard lock(mutex_);
  state_dir_ = state_dir;
}

std::filesystem::path host_progress::state_dir() const {
  const std::lock_guard lock(mutex_);
  return state_dir_;
}

void host_progress::when_ending(std::function<void()> cut_waits_short) {
  const std::lock_guard lock(mutex_);
  cut_waits_short_ = std::move(cut_waits_short);
  if (ending_ && cut_waits_short_) cut_waits_short_();
}

void host_progress::end() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  if (cut_waits_short_) cut_waits_short_();
}

termination::termination(host_progress& progress, std::chrono::milliseconds limit)
    : progress_(progress), limit_(limit), thread_([this] { take_signals(); }) {}

termination::~termination() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  pthread_kill(thread_.native_handle(), SIGHUP);  // it may be waiting for a signal
  thread_.join();
}

termination::request termination::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return reload_ || stop_; });
  if (stop_) return request::stop;
  reload_ = false;
  return request::reload;
}

void termination::take_signals() {
  for (;;) {
    const int signal = wait_for_signal();
    std::unique_lock lock(mutex_);
    if (ended_) return;
    (signal == SIGHUP ? reload_ : stop_) = true;
    changed_.notify_all();
    if (!stop_) continue;
    progress_.end();
    if (changed_.wait_for(lock, limit_, [this] { return ended_; })) return;
    lock.unlock();
    give_up();
  }
}

void termination::give_up() {
  if (const auto folder = progress_.state_dir(); !folder.empty()) remove_address(folder);
  auto* written = new std::promise<void>;  // outlives this: the process ends first
  auto done = written->get_future();
  std::thread([this, written] {
    log::write(log::level::error, "the host did not stop in time and was ended", {{"while", progress_.stage()}});
    log::flush();
    written->set_value();
  }).detach();
  done.wait_for(flush_limit);
  start_mark::end_process(exit_done);  // a plugin that is being started is not to blame
}

}  // namespace tocsin::app
