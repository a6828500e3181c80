// The connections to one server under one account, and the mails that wait for them.
#pragma once

#include "plugins/channels/smtp/session.hpp"
#include "plugins/channels/smtp/settings.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace tocsin::smtp {

// Mails that a connection is worth opening for, and that each may keep busy without a pause.
inline constexpr std::uint32_t pool_depth = 4;

// All functions may be called from any thread.
class pool : public session_owner, public std::enable_shared_from_this<pool> {
 public:
  // The target is the stream service's, and the pool's to close: retire() must be called.
  pool(const sdk::host_api& host, stream_service stream, tocsin_token target, const endpoint_settings& settings,
       std::string client_name);

  // Hands mails over. Each is completed exactly once, through the host.
  void push(std::vector<outgoing_ptr> mails);
  // Gives back those that were not begun.
  void cancel(const sdk::tokens& deliveries);
  // Returns what waits for the endpoint and waits for what is under way; past the limit its connections are cut off.
  void withdraw(tocsin_token endpoint, std::chrono::milliseconds limit);
  // No further mail: idle connections end. Returns at once.
  void retire();
  // retire(), and returns when every connection is over; past the limit they are cut off.
  void stop(std::chrono::milliseconds limit);
  bool is_over() const;

  tocsin_token target() const { return target_; }
  const endpoint_settings& settings() const { return settings_; }

  // session_owner
  outgoing_ptr next(session& from) override;
  void opened(session& which) override;
  void opening_failed(session& which, const outcome& why) override;
  void completed(session& which, std::vector<completion>& mails) override;
  void leaving(session& which) override;
  std::string password() override;
  void over(session& which) override;

 private:
  struct connection {
    std::shared_ptr<smtp::session> session;
    bool ready = false;
    bool leaving = false;                 // it takes no mail any more, and is about to be over
    bool resting = false;                 // it asked for a mail and there was none
    std::vector<tocsin_token> in_flight;  // endpoints of its mails
  };
  using connections = std::unordered_map<const session*, connection>;

  // Under the lock: which sessions to wake and how many to open. Then, without it, do so.
  struct work {
    std::vector<std::shared_ptr<session>> wake;
    std::vector<std::shared_ptr<session>> open;
  };
  void plan(work& what, std::size_t taken);
  void carry_out(work& what);
  void hand_in(std::vector<completion>& mails, const std::string& dialogue);
  void give_back(std::vector<outgoing_ptr>& mails);
  void withdraw_mails(tocsin_token endpoint, std::chrono::milliseconds limit);
  bool is_withdrawing(tocsin_token endpoint) const;
  bool has_mail_of(tocsin_token endpoint) const;
  std::vector<std::shared_ptr<session>> all_sessions() const;
  std::uint32_t ceiling() const;

  const sdk::host_api host_;
  const stream_service stream_;
  const tocsin_token target_;
  const endpoint_settings settings_;
  const std::string client_name_;

  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::deque<outgoing_ptr> waiting_;
  connections connections_;
  std::unordered_map<tocsin_token, std::size_t, sdk::token_hash, sdk::token_equal> unfinished_;  // by endpoint
  std::vector<tocsin_token> withdrawing_;
  bool proven_ = false;  // the last connection that was opened got through
  bool retired_ = false;
  std::uint32_t held_to_ = 0;               // the server took no more connections than this...
  std::chrono::nanoseconds held_until_{0};  // ...and is not asked for more before
};

}  // namespace tocsin::smtp
