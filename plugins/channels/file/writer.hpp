// The thread that writes to one path: what waits while it writes is the next batch, and shares its fsync.
#pragma once

#include "plugins/channels/file/target.hpp"

#include <tocsin/sdk/doctor.hpp>
#include <tocsin/sdk/host.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace tocsin::file {

// A diagnosis to run.
struct examination {
  sdk::token run{};
  sdk::token endpoint{};
  std::string settings;         // what the first stage says
  std::optional<item> message;  // to be written as the last stage
};

// Every function is for any thread.
class writer {
 public:
  writer(const sdk::host_api& host, std::unique_ptr<target> to);
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  ~writer();

  item prepare(const sdk::message& message) const { return target_->prepare(message); }
  void push(std::vector<item> items);
  void examine(examination what);

  // Completes as returned those of these deliveries that were not begun.
  void cancel(const sdk::tokens& deliveries);
  // The same for all of an endpoint's, and waits until nothing of it is being written.
  void withdraw(sdk::token endpoint);
  // The same for everything, and ends the thread.
  void stop();

 private:
  void run();
  void write(const std::vector<item>& batch);
  void run_stages(const examination& what);
  bool run_stage(const examination& what, std::string_view name, std::string (target::*check)());
  void give_back(const std::vector<item>& items) const;

  const sdk::host_api host_;
  const std::unique_ptr<target> target_;

  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<item> waiting_;
  std::deque<examination> examinations_;
  std::uint64_t rounds_ = 0;  // batches and examinations that are done
  bool busy_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tocsin::file
