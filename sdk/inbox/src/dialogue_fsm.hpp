// SPDX-License-Identifier: Apache-2.0
// The SMTP server's side of a connection as a state machine without I/O (RFC 5321, 3207, 4954, 2920, 3030, 6531):
// bytes go in, replies and what to do next come out.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tocsin/inbox/inbox.hpp>
#include <utility>

#include "data_decoder.hpp"
#include "envelope.hpp"
#include "fault_plan.hpp"
#include "mailbox.hpp"
#include "sign_in.hpp"

namespace tocsin::inbox {

// What the connections of one server have in common. It outlives them.
struct shared_state {
  explicit shared_state(const options& what) : how(what), box(what.keep_mails, what.keep_in) {}
  const options how;
  fault_plan faults;
  mailbox box;
  transcript record;
  account_book accounts;
};

// What the driver does next, after it has sent output() in one write and then split_output() a byte at a time.
enum class next_action {
  read,       // read more
  again,      // consume() again: there is more in the input
  start_tls,  // forget the rest of the input, shake hands, then secured()
  close,
  reset,  // close with RST
};

class dialogue_fsm {
 public:
  dialogue_fsm(shared_state& shared, std::uint64_t connection);
  ~dialogue_fsm();

  // Puts the greeting out. Once, first.
  next_action greet();
  // Takes from the front of input what it can.
  next_action consume(std::string_view& input);
  // The TLS handshake is done.
  void secured(std::string tls_version, std::string tls_cipher);
  // From now on nothing is said, whatever comes.
  void fall_silent();

  std::string& output() { return output_; }
  std::string& split_output() { return split_output_; }
  // What was said since the last call goes to the shared record.
  void flush_record() { shared_.record.append(std::exchange(said_, {})); }

 private:
  enum class state { command, challenge, scripted_challenge, message, chunk, silent };
  enum class session { unopened, refused, open };

  // Each queues an answer. The step decides whether a fault takes its place. Returns the first digit of what the client
  // is going to believe.
  char answer(std::string_view step, std::string_view text);
  char answer_or(const std::optional<planned_fault>& fault, std::string_view text);
  void say(std::string_view text);

  bool take_line(std::string_view& input, std::string& line);
  void handle_command(std::string_view line);
  void handle_hello(bool extended, std::string_view argument);
  void handle_starttls(std::string_view argument);
  void handle_auth(std::string_view argument);
  void handle_challenge_answer(std::string_view line);
  void handle_mail(std::string_view argument);
  void handle_recipient(std::string_view argument);
  void handle_data(std::string_view argument);
  void handle_chunk_command(std::string_view argument);
  void take_chunk(std::string_view& input);
  void finish_message();

  void finish_sign_in_step(sign_in::verdict verdict);
  bool offers_auth() const;
  bool offers_starttls() const;
  std::string mechanisms() const;
  std::string hello_answer(bool extended) const;
  std::string_view parameter_fault(const envelope_argument::parameter& which);
  void forget_transaction();
  void record(std::string_view who, std::string_view what);

  shared_state& shared_;
  const options& how_;
  std::uint64_t connection_;

  state state_ = state::command;
  session session_ = session::unopened;
  bool line_too_long_ = false;
  std::optional<next_action> effect_;
  std::string output_;
  std::string split_output_;
  std::string said_;

  std::string client_name_;
  std::string tls_version_;
  std::string tls_cipher_;

  std::shared_ptr<const account_book::accounts> accounts_in_use_;
  std::optional<sign_in> exchange_;
  std::string signed_in_as_;
  std::string mechanism_;
  std::uint32_t challenges_ = 0;

  bool in_transaction_ = false;
  bool in_chunks_ = false;
  bool smtputf8_ = false;
  mail mail_;
  data_decoder decoder_;
  std::uint64_t chunk_left_ = 0;
  std::uint64_t chunks_size_ = 0;
  bool chunk_is_last_ = false;
  bool chunk_is_discarded_ = false;
};

}  // namespace tocsin::inbox
