#include "core/runtime/executor.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace tocsin {

struct executor::impl {
  explicit impl(std::size_t threads)
      : made_with(threads), context(static_cast<int>(threads)), guard(boost::asio::make_work_guard(context)) {
    for (std::size_t at = 0; at < threads; ++at) add_thread();
  }

  void add_thread() {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    ++running;
    workers.emplace_back([this] {
      context.run();
      const std::lock_guard ended(mutex);
      --running;
      changed.notify_all();
    });
  }

  void request_stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    guard.reset();
    context.stop();
  }

  void join() {
    for (auto& worker : workers)
      if (worker.joinable()) worker.join();
  }

  const std::size_t made_with;
  boost::asio::io_context context;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t running = 0;
  bool stopping = false;
  std::vector<std::thread> workers;  // none is added once `stopping` is set
};

executor::executor(std::size_t threads) : impl_(std::make_shared<impl>(threads == 0 ? 1 : threads)) {}

executor::~executor() { stop(); }

// A task that throws leaves run() and thereby ends the process through std::terminate: a host in an unknown state must
// not go on acknowledging events.
void executor::post(std::function<void()> task) { boost::asio::post(impl_->context, std::move(task)); }

void executor::stop() {
  impl_->request_stop();
  impl_->join();
}

void executor::add_thread() { impl_->add_thread(); }

void executor::abandon(std::chrono::milliseconds limit) {
  impl_->request_stop();
  std::unique_lock lock(impl_->mutex);
  const bool ended = impl_->changed.wait_for(lock, limit, [this] { return impl_->running == 0; });
  lock.unlock();
  if (ended) return impl_->join();
  for (auto& worker : impl_->workers)
    if (worker.joinable()) worker.detach();
  static_cast<void>(new std::shared_ptr<impl>(impl_));  // they are within it for as long as the process lives
}

std::size_t executor::threads() const { return impl_->made_with; }

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
