// One SMTP connection as a state machine without I/O: each step takes what happened and says what to do next (RFC 5321,
// 2920, 3207, 4954). Its driver is session.cpp.
#pragma once

#include "plugins/channels/smtp/outcome.hpp"
#include "plugins/channels/smtp/protocol/capabilities.hpp"
#include "plugins/channels/smtp/protocol/outgoing.hpp"
#include "plugins/channels/smtp/protocol/reply_parser.hpp"
#include "plugins/channels/smtp/protocol/sign_in.hpp"
#include "plugins/channels/smtp/protocol/transcript.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::smtp {

using milliseconds = std::chrono::milliseconds;

enum class security { off, starttls, implicit };

// All that the dialogue depends on; the same for every connection of a pool.
struct fsm_settings {
  smtp::security security = security::starttls;
  sign_in_policy sign_in;
  std::string username;
  std::string host;
  unsigned port = 587;
  std::vector<preset_reply> preset;
  milliseconds command_timeout{300000};
  milliseconds data_start_timeout{120000};
  milliseconds data_block_timeout{180000};
  milliseconds data_end_timeout{600000};
  milliseconds session_timeout{0};  // 0: none
  milliseconds idle_timeout{60000};
  std::uint64_t messages_per_connection = 0;  // 0: no limit
  bool step_by_step = false;                  // a diagnosis: no pipelining, a report for each stage
};

// A mail that is out of the machine's hands again, with what came of it.
struct completion {
  outgoing_ptr message;
  outcome came_to;
  // The connection was found closed, or about to be (421), before it accepted anything of this mail: sending it over
  // another one is no new attempt.
  bool replaceable = false;
};

struct stage_report {
  stage at = stage::tcp;
  outcome came_to;
  std::uint64_t duration_ms = 0;
  std::string facts;  // a JSON object, or empty
};

// What to do after a step, in this order.
struct fsm_actions {
  std::string write;                      // bytes to send
  std::vector<completion> completed;      // hand these back
  std::vector<stage_report> stages;       // of a diagnosis
  bool opened = false;                    // the connection is ready for its first mail
  std::optional<outcome> opening_failed;  // it never became so
  std::optional<milliseconds> deadline;   // set it anew; 0: none
  bool need_credentials = false;          // call credentials_ready() or credentials_missing()
  bool secure = false;                    // begin TLS, then call secured()
  bool close = false;                     // the connection is done with

  void clear();
};

// Where the connection stands, and what its loss means there.
enum class fsm_state {
  connecting,  // nothing was sent: what waits goes on waiting, or fails with the stream's code
  greeting,    // the same
  ehlo,        // the same
  helo,        // the same
  starttls,    // the same; never goes on in clear
  securing,    // the same
  signing_in,  // the same; nothing is repeated by itself, so that no account is locked by us
  ready,       // by mail: see transaction
  quitting,    // nothing: every mail has its answer
  over         // nothing
};

// The steps below take the time (monotonic, any zero) and add to `out`, which the driver carries out and clears.
class smtp_fsm {
 public:
  explicit smtp_fsm(std::shared_ptr<const fsm_settings> settings);

  // TCP is up, with implicit TLS that, too. client_name is what EHLO says; channel_binding (tls-exporter) may be empty.
  void connected(std::string client_name, std::string channel_binding, milliseconds now, fsm_actions& out);
  void secured(std::string channel_binding, milliseconds now, fsm_actions& out);
  void received(std::string_view bytes, milliseconds now, fsm_actions& out);
  void written(milliseconds now, fsm_actions& out);
  void credentials_ready(std::string password, milliseconds now, fsm_actions& out);
  void credentials_missing(std::string_view why, milliseconds now, fsm_actions& out);
  void deadline_passed(milliseconds now, fsm_actions& out);
  // The stream is over. stage_name and code are the stream's, empty where the peer closed it.
  void lost(std::string_view stage_name, std::string_view code, std::string_view detail, milliseconds now,
            fsm_actions& out);

  // True if begin() may be called now.
  bool wants_message(milliseconds now) const;
  // True if no mail is under way and none was asked for.
  bool idle() const { return state_ == fsm_state::ready && pending_.empty(); }
  // Begin a mail. It comes back through fsm_actions::completed, exactly once.
  void begin(outgoing_ptr message, milliseconds now, fsm_actions& out);

  // No further mail: QUIT as soon as those under way have their answers.
  void finish(milliseconds now, fsm_actions& out);
  // Give up at once: what was not sent whole is returned, what was is uncertain.
  void abort(std::string_view why, milliseconds now, fsm_actions& out);

  fsm_state state() const { return state_; }
  const capabilities& offered() const { return offered_; }
  bool encrypted() const { return encrypted_; }
  const std::string& dialogue() const { return transcript_.text(); }
  std::size_t in_flight() const { return transactions_.size(); }

 private:
  enum class command { mail, rcpt, data, body, empty_body, rset, quit };

  // One mail's transaction. Lost before the final dot was sent: it goes back. After it: uncertain. With a failure
  // known: that failure.
  struct transaction {
    outgoing_ptr message;
    std::optional<outcome> failure;
    bool accepted = false;       // the server said yes to something of it
    bool mail_accepted = false;  // and has an open transaction since
    bool body_sent = false;      // the final dot is on its way
    bool on_used_connection = false;
    std::size_t sent = 0;  // bytes of the data
  };

  struct pending_reply {
    command to;
    transaction* owner;
  };

  // smtp_fsm.cpp: until the connection is ready
  void send(std::string_view line, fsm_actions& out);
  void send_ehlo(milliseconds now, fsm_actions& out);
  void on_reply(const reply& said, bool more_follows, milliseconds now, fsm_actions& out);
  void on_greeting(const reply& said, bool more_follows, milliseconds now, fsm_actions& out);
  void on_ehlo(const reply& said, bool more_follows, milliseconds now, fsm_actions& out);
  void on_starttls(const reply& said, bool more_follows, milliseconds now, fsm_actions& out);
  void after_ehlo(milliseconds now, fsm_actions& out);
  milliseconds opening_limit() const;
  milliseconds opening_deadline(milliseconds now) const;
  void become_ready(milliseconds now, fsm_actions& out);
  void on_violation(std::string_view why, milliseconds now, fsm_actions& out);
  void fail_opening(stage at, outcome why, milliseconds now, fsm_actions& out);
  bool opening() const { return state_ < fsm_state::ready; }
  stage current_stage() const;
  void report(stage at, outcome came_to, std::string facts, milliseconds now, fsm_actions& out);
  void close(fsm_actions& out);

  // smtp_fsm_sign_in.cpp
  void start_mechanism(milliseconds now, fsm_actions& out);
  void on_auth_reply(const reply& said, milliseconds now, fsm_actions& out);
  void on_challenge(const reply& said, milliseconds now, fsm_actions& out);
  void cancel_exchange(std::string why, milliseconds now, fsm_actions& out);
  bool next_mechanism(milliseconds now, fsm_actions& out);
  void send_secret(std::string_view line, std::string_view shown, milliseconds now, fsm_actions& out);
  std::string note_response(const std::string& raw);
  reply without_credentials(const reply& said) const;
  void fail_sign_in(outcome why, milliseconds now, fsm_actions& out);
  void forget_credentials();

  // smtp_fsm_transactions.cpp
  bool pipelines() const { return offered_.pipelining && !settings_->step_by_step; }
  bool at_message_limit() const;
  bool too_old(milliseconds now) const;
  bool refuse_locally(outgoing_ptr& message, milliseconds now, fsm_actions& out);
  void send_mail(transaction& of, fsm_actions& out);
  void send_rcpt(transaction& of, fsm_actions& out);
  void send_data(transaction& of, fsm_actions& out);
  void send_body(transaction& of, fsm_actions& out);
  void on_transaction_reply(const reply& said, milliseconds now, fsm_actions& out);
  void on_mail_reply(transaction& of, const reply& said, milliseconds now, fsm_actions& out);
  void on_rcpt_reply(transaction& of, const reply& said, milliseconds now, fsm_actions& out);
  void on_data_reply(transaction& of, const reply& said, milliseconds now, fsm_actions& out);
  void on_body_reply(transaction& of, const reply& said, milliseconds now, fsm_actions& out);
  void note_failure(transaction& of, stage at, const reply& said, milliseconds now, fsm_actions& out);
  void end(transaction& which, outcome came_to, bool replaceable, fsm_actions& out);
  void end_failed(transaction& which, fsm_actions& out);
  void lose(const outcome& why, bool found_dead, fsm_actions& out);
  void quit(fsm_actions& out);
  void settle(milliseconds now, fsm_actions& out);
  void set_deadline(fsm_actions& out);

  std::shared_ptr<const fsm_settings> settings_;
  fsm_state state_ = fsm_state::connecting;
  std::string client_name_;
  std::string channel_binding_;
  bool encrypted_ = false;
  capabilities offered_;
  reply_parser parser_;
  transcript transcript_;
  milliseconds began_{0};
  milliseconds stage_began_{0};

  std::vector<std::string> mechanisms_;  // still to try, the present one first
  credentials credentials_;
  std::unique_ptr<sasl_exchange> exchange_;
  std::optional<std::string> held_back_;  // an initial response that was too long for the command's line
  std::string broken_;                    // why the exchange was cancelled
  bool sent_response_ = false;
  std::vector<std::string> sent_secrets_;  // what a server could repeat, in base64 and as it is
  unsigned challenges_ = 0;                // of this exchange
  bool too_many_ = false;                  // it was cancelled because the server went on asking

  std::list<transaction> transactions_;  // at most two: one whose data was sent, one whose envelope follows it
  std::vector<pending_reply> pending_;   // in the order in which they will come
  transaction* sending_ = nullptr;       // its data is longer than one block, and not all of it is written
  std::uint64_t served_ = 0;
  bool finishing_ = false;
  bool quit_sent_ = false;
};

}  // namespace tocsin::smtp
