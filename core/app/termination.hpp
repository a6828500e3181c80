// The end of a host: signals are taken on a thread of their own, and what hangs elsewhere cannot outlast them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

namespace tocsin::app {

// What the host is doing, for the one who has to end it while it does. [any thread]
class host_progress {
 public:
  // stage: a text that lives as long as the program, such as "starting plugins".
  void enter(const char* stage) { stage_ = stage; }
  const char* stage() const { return stage_; }
  // Where the address is written down that must not outlive the host.
  void serves_in(const std::filesystem::path& state_dir);
  std::filesystem::path state_dir() const;
  // Called once the host is to end, at once if that is known already: ends a wait that could take up the time that a
  // clean stop has. It must not block. Null: there is none any more; then none is under way either.
  void when_ending(std::function<void()> cut_waits_short);
  // The host is to end.
  void end();

 private:
  std::atomic<const char*> stage_ = "starting";
  mutable std::mutex mutex_;
  std::filesystem::path state_dir_;
  std::function<void()> cut_waits_short_;
  bool ending_ = false;
};

// From SIGTERM or SIGINT on the host has `limit` to end; then the process is ended, exit status 0, with the stage that
// hung in the log. Everything acknowledged is on disk, and what was in a channel's hands is found again at the next
// start. Signals must be blocked (block_signals()) before one of these is made.
class termination {
 public:
  enum class request { reload, stop };

  termination(host_progress& progress, std::chrono::milliseconds limit);
  ~termination();  // the host has ended in time
  termination(const termination&) = delete;
  termination& operator=(const termination&) = delete;

  // Blocks until a signal has come. Once it is `stop` it stays so.
  request next();

 private:
  void take_signals();
  [[noreturn]] void give_up();

  host_progress& progress_;
  const std::chrono::milliseconds limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reload_ = false, stop_ = false, ended_ = false;
  std::thread thread_;
};

}  // namespace tocsin::app
