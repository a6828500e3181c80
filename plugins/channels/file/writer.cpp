// The thread that writes to one path: what waits while it writes is the next batch, and shares its fsync.
#include "plugins/channels/file/writer.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <utility>

namespace tocsin::file {
namespace {

constexpr std::size_t most_in_a_batch = 256;

// Takes out of a queue what fits.
template <class Queue, class Fits>
std::vector<typename Queue::value_type> take_if(Queue& queue, Fits&& fits) {
  const auto kept = std::stable_partition(queue.begin(), queue.end(), [&](const auto& one) { return !fits(one); });
  std::vector<typename Queue::value_type> taken(std::make_move_iterator(kept), std::make_move_iterator(queue.end()));
  queue.erase(kept, queue.end());
  return taken;
}

}  // namespace

writer::writer(const sdk::host_api& host, std::unique_ptr<target> to)
    : host_(host), target_(std::move(to)), thread_([this] { run(); }) {}

writer::~writer() { stop(); }

void writer::push(std::vector<item> items) {
  const std::lock_guard lock(lock_);
  for (item& one : items) waiting_.push_back(std::move(one));
  changed_.notify_all();
}

void writer::examine(examination what) {
  const std::lock_guard lock(lock_);
  examinations_.push_back(std::move(what));
  changed_.notify_all();
}

void writer::give_back(const std::vector<item>& items) const {
  for (const item& one : items) host_.complete(one.delivery, sdk::outcome::returned());
}

void writer::cancel(const sdk::tokens& deliveries) {
  std::vector<item> taken;
  {
    const std::lock_guard lock(lock_);
    taken = take_if(waiting_, [&](const item& one) {
      return std::any_of(deliveries.begin(), deliveries.end(),
                         [&](sdk::token wanted) { return sdk::same(wanted, one.delivery); });
    });
  }
  give_back(taken);
}

void writer::withdraw(sdk::token endpoint) {
  const auto is_its = [&](const auto& one) { return sdk::same(one.endpoint, endpoint); };
  std::vector<item> taken;
  std::vector<examination> dropped;
  {
    std::unique_lock lock(lock_);
    taken = take_if(waiting_, is_its);
    dropped = take_if(examinations_, is_its);
    const std::uint64_t now = rounds_;
    changed_.wait(lock, [&] { return !busy_ || rounds_ != now; });
  }
  give_back(taken);
  for (const examination& one : dropped) host_.report_done(one.run);
}

void writer::stop() {
  std::vector<item> taken;
  std::vector<examination> dropped;
  {
    const std::lock_guard lock(lock_);
    stopping_ = true;
    taken = take_if(waiting_, [](const item&) { return true; });
    dropped = take_if(examinations_, [](const examination&) { return true; });
    changed_.notify_all();
  }
  give_back(taken);
  for (const examination& one : dropped) host_.report_done(one.run);
  if (thread_.joinable()) thread_.join();
}

void writer::run() {
  std::unique_lock lock(lock_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty() || !examinations_.empty(); });
    if (stopping_) return;
    busy_ = true;
    if (!examinations_.empty()) {
      const examination what = std::move(examinations_.front());
      examinations_.pop_front();
      lock.unlock();
      run_stages(what);
    } else {
      const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), most_in_a_batch));
      const std::vector<item> batch(std::make_move_iterator(waiting_.begin()),
                                    std::make_move_iterator(waiting_.begin() + count));
      waiting_.erase(waiting_.begin(), waiting_.begin() + count);
      lock.unlock();
      write(batch);
    }
    lock.lock();
    busy_ = false;
    ++rounds_;
    changed_.notify_all();
  }
}

void writer::write(const std::vector<item>& batch) {
  std::vector<verdict> verdicts;
  try {
    verdicts = target_->write(batch);
  } catch (const std::exception& why) {
    // How far it came is not known.
    verdicts.assign(batch.size(), {sdk::outcome_class::uncertain, "WRITE_FAILED", why.what()});
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const verdict& what = verdicts[i];
    host_.complete(batch[i].delivery,
                   what.ok() ? sdk::outcome::delivered() : sdk::outcome::failed(what.result, what.code, what.detail));
  }
}

bool writer::run_stage(const examination& what, std::string_view name, std::string (target::*check)()) {
  sdk::stage stage;
  stage.name = name;
  std::string detail;
  const auto began = std::chrono::steady_clock::now();
  try {
    detail = (*target_.*check)();
  } catch (const trouble& why) {
    stage.ok = false;
    stage.code = why.what.code;
    detail = why.what.detail;
  } catch (const std::exception& why) {
    stage.ok = false;
    stage.code = "WRITE_FAILED";
    detail = why.what();
  }
  stage.detail = detail;
  stage.duration = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  sdk::report(host_, what.run, stage);
  return stage.ok;
}

void writer::run_stages(const examination& what) {
  sdk::stage settings;
  settings.name = "settings";
  settings.detail = what.settings;
  sdk::report(host_, what.run, settings);
  if (run_stage(what, "path", &target::check_path) && run_stage(what, "write", &target::check_write) && what.message) {
    verdict came_to;
    try {
      came_to = target_->write({&*what.message, 1}).front();
    } catch (const std::exception& why) {
      came_to = {sdk::outcome_class::uncertain, "WRITE_FAILED", why.what()};
    }
    sdk::stage message;
    message.name = "message";
    message.ok = came_to.ok();
    message.code = came_to.code;
    message.detail = came_to.detail;
    sdk::report(host_, what.run, message);
  }
  host_.report_done(what.run);
}

}  // namespace tocsin::file
