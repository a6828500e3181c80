#include "core/runtime/executor.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <thread>
#include <vector>

namespace tocsin {

struct executor::impl {
  explicit impl(std::size_t threads)
      : context(static_cast<int>(threads)), guard(boost::asio::make_work_guard(context)) {
    workers.reserve(threads);
    for (std::size_t at = 0; at < threads; ++at) workers.emplace_back([this] { context.run(); });
  }

  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
  std::vector<std::thread> workers;
};

executor::executor(std::size_t threads) : impl_(std::make_unique<impl>(threads == 0 ? 1 : threads)) {}

executor::~executor() { stop(); }

// A task that throws leaves run() and thereby ends the process through std::terminate: a host in an unknown state must
// not go on acknowledging events.
void executor::post(std::function<void()> task) { boost::asio::post(impl_->context, std::move(task)); }

void executor::stop() {
  impl_->guard.reset();
  impl_->context.stop();
  for (auto& worker : impl_->workers)
    if (worker.joinable()) worker.join();
}

boost::asio::io_context& executor::context() { return impl_->context; }

struct serial_queue::impl : std::enable_shared_from_this<serial_queue::impl> {
  explicit impl(executor& with) : pool(with) {}

  void post(std::function<void()> task) {
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(task));
    if (running) return;
    running = true;
    pool.post([self = shared_from_this()] { self->run(); });
  }

  void run() {
    std::vector<std::function<void()>> batch;
    while (true) {
      batch.clear();
      {
        const std::lock_guard lock(mutex);
        if (waiting.empty()) {
          running = false;
          return;
        }
        batch.swap(waiting);
      }
      for (auto& task : batch) {
        task();
        task = nullptr;  // what a task holds is released before the next one runs
      }
    }
  }

  executor& pool;
  std::mutex mutex;
  std::vector<std::function<void()>> waiting;
  bool running = false;
};

serial_queue::serial_queue(executor& pool) : impl_(std::make_shared<impl>(pool)) {}
serial_queue::~serial_queue() = default;
void serial_queue::post(std::function<void()> task) { impl_->post(std::move(task)); }

}  // namespace tocsin
