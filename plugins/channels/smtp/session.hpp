// One SMTP connection: maps a stream's events to the state machine and the machine's actions to the stream. Runs wholly
// on the stream's completion thread.
#pragma once

#include "plugins/channels/smtp/protocol/smtp_fsm.hpp"

#include <tocsin/abi/ext/stream.h>
#include <tocsin/sdk/host.hpp>
#include <tocsin/sdk/message.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tocsin::smtp {

class session;
using stream_service = sdk::service<tocsin_stream>;

// What a session asks of, and tells, the one that opened it. All but password() from the session's thread; no call
// comes while the session holds a lock.
class session_owner {
 public:
  virtual ~session_owner() = default;
  // The next mail, or null; after null the session rests until it is woken or an answer arrives.
  virtual outgoing_ptr next(session& from) = 0;
  virtual void opened(session& which) = 0;
  virtual void opening_failed(session& which, const outcome& why) = 0;
  virtual void completed(session& which, std::vector<completion>& mails) = 0;
  // It takes no further mail: it says goodbye, or is lost. At most once, and before over().
  virtual void leaving(session&) {}
  // A stage of the stream's own that went well, or any of the state machine's (in a diagnosis only).
  virtual void passed(const tocsin_stream_event&, const std::string& /*facts*/) {}
  virtual void reported(const stage_report&) {}
  virtual bool wants_stages() const { return false; }
  // Throws sdk::failure with the reason.
  virtual std::string password() = 0;
  // The last call: nothing of the session's runs any more.
  virtual void over(session& which) = 0;
};

class session : public std::enable_shared_from_this<session> {
 public:
  enum class order { carry_on, finish, abort };

  session(const sdk::host_api& host, stream_service stream, std::shared_ptr<session_owner> owner,
          std::shared_ptr<const fsm_settings> settings, std::string client_name);

  // Opens the connection. The session keeps itself and its owner alive until its last event. [any]
  void connect(tocsin_token target);
  // There may be a mail. [any]
  void wake();
  // Finish what is under way and go, or go at once. [any]
  void tell(order what);

  // On the session's own thread: what was said.
  const std::string& dialogue() const { return fsm_.dialogue(); }

 private:
  static void on_event(void* context, const tocsin_stream_event* event) noexcept;
  static const tocsin_stream_handler handler;

  void take(const tocsin_stream_event& event);
  void step(const tocsin_stream_event& event, milliseconds now);
  void pump(milliseconds now);
  void pull(milliseconds now);
  void follow_order(milliseconds now);
  void carry_out();
  void end();
  milliseconds now() const;
  std::string facts() const;
  std::string channel_binding() const;
  std::string client_name() const;

  const sdk::host_api host_;
  const stream_service stream_;
  std::shared_ptr<session_owner> owner_;
  std::shared_ptr<session> self_;  // while the stream lives
  smtp_fsm fsm_;
  fsm_actions actions_;
  const std::string configured_name_;
  const bool implicit_;
  std::atomic<order> order_{order::carry_on};
  bool left_ = false;

  tocsin_token token_{};  // the stream's name, as its events bear it; the session's thread alone

  std::mutex naming_;  // connect() and wake() may run while events come already
  tocsin_token name_{};
  bool named_ = false;
  bool wake_wanted_ = false;
};

}  // namespace tocsin::smtp
