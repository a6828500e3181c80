// A channel that does as a test says, and reports whoever breaks the rules of calling one.
#pragma once

#include "core/model/message.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::test {

class fake_channel final : public channel_port {
 public:
  // Says what becomes of a message; nothing: the channel keeps it until the test calls answer().
  using script = std::function<std::optional<outcome>(const outgoing_message&)>;

  // Set before the first delivery.
  outcome_handler complete;
  std::uint32_t slots = 4;

  void say(script what) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(what);
  }
  void refuse_to_open(std::optional<fault> why) {
    const std::lock_guard lock(mutex_);
    refuse_ = std::move(why);
  }

  static outcome ended(outcome_class how, std::string code, std::string reply = {}) {
    outcome made;
    made.outcome_class = how;
    made.code = std::move(code);
    made.server_reply = std::move(reply);
    return made;
  }

  result<opened_endpoint> open(const endpoint_settings& settings) override {
    const exclusive only(opening_, *this, "open or close was called twice at a time");
    const std::lock_guard lock(mutex_);
    ++opens_;
    if (refuse_) return *refuse_;
    const endpoint_token token{++last_token_, 1};
    open_.emplace(token, settings);
    return opened_endpoint{token, slots};
  }

  void close(endpoint_token endpoint) override {
    const exclusive only(opening_, *this, "open or close was called twice at a time");
    std::vector<outcome> returned;
    {
      const std::lock_guard lock(mutex_);
      if (delivering_.contains(endpoint)) breaches_.push_back("an endpoint was closed while deliver was under way");
      if (open_.erase(endpoint) == 0) breaches_.push_back("an endpoint was closed that was not open");
      for (const auto& [id, message] : held_) {
        if (message.endpoint == endpoint) returned.push_back(answer_to(message, ended(outcome_class::returned, "")));
      }
      for (const auto& one : returned) held_.erase(one.delivery);
    }
    if (!returned.empty()) complete(std::move(returned));
  }

  void deliver(std::span<const outgoing_message> messages) override {
    std::set<endpoint_token> endpoints;
    for (const auto& message : messages) endpoints.insert(message.endpoint);
    std::vector<outcome> now;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& one : endpoints) {
        if (!delivering_.insert(one).second) breaches_.push_back("deliver was called twice at a time for an endpoint");
      }
      for (const auto& message : messages) take(message, now);
    }
    if (!now.empty()) complete(std::move(now));
    const std::lock_guard lock(mutex_);
    for (const auto& one : endpoints) delivering_.erase(one);
  }

  void cancel(std::span<const outgoing_message> messages) override {
    std::vector<outcome> returned;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& message : messages) {
        if (stubborn_ || held_.erase(message.delivery) == 0) continue;
        returned.push_back(answer_to(message, ended(outcome_class::returned, "")));
      }
      ++cancels_;
    }
    if (!returned.empty()) complete(std::move(returned));
  }

  void take_back(std::span<const outgoing_message> messages, std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex_);
    for (const auto& message : messages) {
      held_.erase(message.delivery);
      taken_back_.push_back(message);
    }
  }

  bool wants(std::string_view part) const override { return part != "html"; }

  // Ends all messages that are kept.
  std::size_t answer(const outcome& how) {
    std::vector<outcome> all;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, message] : held_) all.push_back(answer_to(message, how));
      held_.clear();
    }
    const auto n = all.size();
    if (n > 0) complete(std::move(all));
    return n;
  }

  // The test completes this one by itself.
  void forget(delivery_id id) {
    const std::lock_guard lock(mutex_);
    held_.erase(id);
  }

  // It does not give back what it is asked to.
  void be_stubborn() { stubborn_ = true; }

  std::vector<outgoing_message> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  std::size_t held() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  std::vector<endpoint_settings> open_now() const {
    const std::lock_guard lock(mutex_);
    std::vector<endpoint_settings> all;
    for (const auto& [token, settings] : open_) all.push_back(settings);
    return all;
  }
  std::optional<endpoint_settings> opened_as(endpoint_token token) const {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(token);
    if (found == open_.end()) return std::nullopt;
    return found->second;
  }
  std::vector<outgoing_message> taken_back() const {
    const std::lock_guard lock(mutex_);
    return taken_back_;
  }
  int opens() const { return opens_; }
  int cancels() const { return cancels_; }
  std::vector<std::string> breaches() const {
    const std::lock_guard lock(mutex_);
    return breaches_;
  }

 private:
  struct exclusive {
    exclusive(std::atomic<bool>& flag, fake_channel& channel, const char* breach) : flag_(flag) {
      if (flag_.exchange(true)) {
        const std::lock_guard lock(channel.mutex_);
        channel.breaches_.emplace_back(breach);
      }
    }
    ~exclusive() { flag_ = false; }
    std::atomic<bool>& flag_;
  };

  void take(const outgoing_message& message, std::vector<outcome>& now) {
    if (!open_.contains(message.endpoint)) breaches_.push_back("a message came for an endpoint that is not open");
    seen_.push_back(message);
    auto how = script_ ? script_(message) : ended(outcome_class::delivered, "OK", "250 Ok");
    if (how) return now.push_back(answer_to(message, *std::move(how)));
    if (!held_.emplace(message.delivery, message).second) breaches_.push_back("a delivery came twice at a time");
    std::size_t here = 0;
    for (const auto& [id, other] : held_) here += other.endpoint == message.endpoint;
    if (here > slots) breaches_.push_back("more deliveries than slots");
  }

  static outcome answer_to(const outgoing_message& message, outcome how) {
    how.delivery = message.delivery;
    how.attempt = message.attempt;
    return how;
  }

  mutable std::mutex mutex_;
  script script_;
  std::optional<fault> refuse_;
  std::map<endpoint_token, endpoint_settings> open_;
  std::set<endpoint_token> delivering_;
  std::map<delivery_id, outgoing_message> held_;
  std::vector<outgoing_message> seen_;
  std::vector<outgoing_message> taken_back_;
  std::vector<std::string> breaches_;
  std::uint64_t last_token_ = 0;
  std::atomic<int> opens_ = 0;
  std::atomic<int> cancels_ = 0;
  std::atomic<bool> opening_ = false;
  std::atomic<bool> stubborn_ = false;
};

}  // namespace tocsin::test
