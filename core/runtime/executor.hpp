// The pool of threads that runs bus, routing and HTTP, and queues that run their tasks one at a time on it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace tocsin {

class executor {
 public:
  explicit executor(std::size_t threads);
  ~executor();  // stop()
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  // Run task on a thread of the pool. After stop() it is dropped. A task that throws ends the process with a log line.
  void post(std::function<void()> task);
  // Tasks that run are finished, those that wait are dropped, threads are joined. Not from a thread of the pool.
  void stop();
  // One more thread, in the place of one that hangs in foreign code. [any thread]
  void add_thread();
  // As stop(), but threads that do not end within the limit are left behind: end the process without destructors.
  void abandon(std::chrono::milliseconds limit);
  // How many threads it was made with.
  std::size_t threads() const;
  // For drivers that do I/O (HTTP, timers).
  boost::asio::io_context& context();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

// Tasks posted here run in order and never two at a time. Batches by nature: what came while one ran is run in one go.
class serial_queue {
 public:
  explicit serial_queue(executor& pool);
  ~serial_queue();                        // tasks that wait are still run
  void post(std::function<void()> task);  // [any thread]

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tocsin
