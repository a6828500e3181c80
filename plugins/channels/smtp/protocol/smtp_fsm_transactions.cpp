// The state machine's mail: MAIL, RCPT, DATA and the data, one flight ahead where the server pipelines (RFC 2920).
#include "plugins/channels/smtp/mime/composer.hpp"
#include "plugins/channels/smtp/protocol/smtp_fsm.hpp"

#include <algorithm>

namespace tocsin::smtp {
namespace {

// Longer data is written in blocks, each under timeouts.data_block, so that neither memory nor a stalled peer is left
// to chance.
constexpr std::size_t block_bytes = std::size_t{256} << 10;
constexpr milliseconds quit_timeout{5000};

}  // namespace

bool smtp_fsm::at_message_limit() const {
  return settings_->messages_per_connection > 0 && served_ >= settings_->messages_per_connection;
}

bool smtp_fsm::too_old(milliseconds now) const {
  return settings_->session_timeout.count() > 0 && now - began_ >= settings_->session_timeout;
}

bool smtp_fsm::wants_message(milliseconds now) const {
  if (state_ != fsm_state::ready || finishing_ || quit_sent_ || sending_ != nullptr || at_message_limit()) return false;
  if (too_old(now)) return false;
  if (!pipelines()) return pending_.empty();
  // Behind data that was sent whole the next envelope may follow; behind an open DATA nothing may.
  return transactions_.empty() || (transactions_.size() == 1 && transactions_.front().body_sent);
}

// What need not be asked: the server has said already what it takes.
bool smtp_fsm::refuse_locally(outgoing_ptr& message, milliseconds now, fsm_actions& out) {
  outcome why;
  stage at = stage::message;
  if (message->sender_needs_smtputf8 && !offered_.smtputf8) {
    at = stage::sender;
    why = make_outcome("SENDER_REJECTED", "from_address goes beyond ASCII, and the server does not offer SMTPUTF8");
  } else if (message->recipient_needs_smtputf8 && !offered_.smtputf8) {
    at = stage::recipient;
    why = make_outcome("RECIPIENT_INVALID",
                       "the part before the @ goes beyond ASCII, and the server does not offer SMTPUTF8");
  } else if (offered_.size_limit > 0 && message->data.size() > offered_.size_limit) {
    why = make_outcome("MESSAGE_TOO_LARGE", "the mail has " + std::to_string(message->data.size()) +
                                                " bytes, the server takes " + std::to_string(offered_.size_limit));
  } else {
    return false;
  }
  report(at, why, {}, now, out);
  out.completed.push_back({std::move(message), std::move(why), false});
  return true;
}

void smtp_fsm::begin(outgoing_ptr message, milliseconds now, fsm_actions& out) {
  if (refuse_locally(message, now, out)) return;
  if (pending_.empty()) transcript_.forget_after_mark();
  transaction& fresh = transactions_.emplace_back();
  fresh.message = std::move(message);
  fresh.on_used_connection = served_ > 0;
  ++served_;
  send_mail(fresh, out);
  if (pipelines()) {
    send_rcpt(fresh, out);
    send_data(fresh, out);
  }
  set_deadline(out);
}

void smtp_fsm::send_mail(transaction& of, fsm_actions& out) {
  const outgoing& mail = *of.message;
  std::string line = "MAIL FROM:" + mail.sender;
  if (offered_.size) line += " SIZE=" + std::to_string(mail.data.size());
  if (mail.sender_needs_smtputf8 || mail.recipient_needs_smtputf8) {
    line += " SMTPUTF8";
    if (offered_.eight_bit_mime) line += " BODY=8BITMIME";
    parser_.allow_utf8();
  }
  send(line, out);
  pending_.push_back({command::mail, &of});
}

void smtp_fsm::send_rcpt(transaction& of, fsm_actions& out) {
  send("RCPT TO:" + of.message->recipient, out);
  pending_.push_back({command::rcpt, &of});
}

void smtp_fsm::send_data(transaction& of, fsm_actions& out) {
  send("DATA", out);
  pending_.push_back({command::data, &of});
}

// Writes the data, or its next block.
void smtp_fsm::send_body(transaction& of, fsm_actions& out) {
  const std::string& data = of.message->data;
  if (of.sent == 0) {
    transcript_.note(std::to_string(data.size()) + " bytes of mail");
    pending_.push_back({command::body, &of});
  }
  const std::size_t size = std::min(block_bytes, data.size() - of.sent);
  out.write.append(data, of.sent, size);
  of.sent += size;
  of.body_sent = of.sent == data.size();
  sending_ = of.body_sent ? nullptr : &of;
  if (of.body_sent && pipelines() && at_message_limit() && !quit_sent_) {
    quit_sent_ = true;
    send("QUIT", out);
    pending_.push_back({command::quit, nullptr});
  }
}

void smtp_fsm::written(milliseconds, fsm_actions& out) {
  if (state_ != fsm_state::ready || sending_ == nullptr) return;
  send_body(*sending_, out);
  set_deadline(out);
}

void smtp_fsm::on_transaction_reply(const reply& said, milliseconds now, fsm_actions& out) {
  if (pending_.empty()) {  // nobody asked; 421 is how a server ends an idle connection
    close(out);
    return;
  }
  const pending_reply due = pending_.front();
  if (due.to == command::quit) {
    close(out);
    return;
  }
  if (said.code == 421) {
    const outcome why = judge_reply(current_stage(), said, settings_->preset);
    report(current_stage(), why, {}, now, out);
    // An answer to the data is one: the server did not take the mail.
    if (due.owner != nullptr && due.to == command::body) due.owner->failure = why;
    lose(why, why.code == "SERVER_SHUTTING_DOWN", out);
    close(out);
    return;
  }
  pending_.erase(pending_.begin());
  switch (due.to) {
    case command::mail:
      on_mail_reply(*due.owner, said, now, out);
      break;
    case command::rcpt:
      on_rcpt_reply(*due.owner, said, now, out);
      break;
    case command::data:
      on_data_reply(*due.owner, said, now, out);
      break;
    case command::body:
      on_body_reply(*due.owner, said, now, out);
      break;
    case command::empty_body:
      end_failed(*due.owner, out);
      break;
    case command::rset:
      if (!said.good()) {  // the two sides no longer agree on where they are
        outcome why = make_outcome("PROTOCOL_VIOLATION", "the server refused RSET, which it may not");
        why.server_reply = said.to_line();
        lose(why, false, out);
        close(out);
      }
      break;
    case command::quit:
      break;
  }
  settle(now, out);
}

void smtp_fsm::on_mail_reply(transaction& of, const reply& said, milliseconds now, fsm_actions& out) {
  if (!said.good()) {
    note_failure(of, stage::sender, said, now, out);
    if (!pipelines()) end_failed(of, out);
    return;
  }
  of.accepted = true;
  of.mail_accepted = true;
  outcome accepted;
  accepted.detail = said.to_line();
  report(stage::sender, std::move(accepted), {}, now, out);
  if (pipelines()) return;
  if (of.message->goes == extent::up_to_sender) {
    of.failure = outcome{};  // no failure, but its end
    end_failed(of, out);
  } else {
    send_rcpt(of, out);
  }
}

void smtp_fsm::on_rcpt_reply(transaction& of, const reply& said, milliseconds now, fsm_actions& out) {
  if (of.failure) return;  // its MAIL was refused
  if (!said.good()) {
    note_failure(of, stage::recipient, said, now, out);
    if (!pipelines()) end_failed(of, out);
    return;
  }
  of.accepted = true;
  outcome accepted;
  accepted.detail = said.to_line();
  report(stage::recipient, std::move(accepted), {}, now, out);
  if (pipelines()) return;
  if (of.message->goes == extent::up_to_recipient) {
    of.failure = outcome{};
    end_failed(of, out);
  } else {
    send_data(of, out);
  }
}

void smtp_fsm::on_data_reply(transaction& of, const reply& said, milliseconds now, fsm_actions& out) {
  if (said.code == 354) {
    if (of.failure) {  // it wants data for nobody: an empty message, refused (RFC 2920 section 3.1)
      out.write += end_of_data;
      transcript_.client(".");
      of.mail_accepted = false;
      pending_.push_back({command::empty_body, &of});
    } else {
      of.accepted = true;
      send_body(of, out);
    }
    return;
  }
  if (!of.failure) note_failure(of, stage::message, said, now, out);
  if (said.good()) {  // neither a refusal nor a wish for data
    lose(*of.failure, false, out);
    close(out);
    return;
  }
  end_failed(of, out);
}

void smtp_fsm::on_body_reply(transaction& of, const reply& said, milliseconds now, fsm_actions& out) {
  if (!of.body_sent) {  // the mail is not whole yet: there is nothing that it could answer but its refusal
    note_failure(of, stage::message, said, now, out);
    lose(*of.failure, false, out);
    close(out);
    return;
  }
  if (said.wants_more()) {
    lose(make_outcome("PROTOCOL_VIOLATION", "the server answered the mail with " + std::to_string(said.code)), false,
         out);
    close(out);
    return;
  }
  of.mail_accepted = false;  // the server's transaction is over either way
  if (!said.good()) {
    note_failure(of, stage::message, said, now, out);
    end_failed(of, out);
    return;
  }
  outcome delivered;
  delivered.server_reply = said.to_line();
  if (settings_->step_by_step) {
    outcome shown = delivered;
    shown.detail = delivered.server_reply;
    report(stage::message, std::move(shown), {}, now, out);
  }
  end(of, std::move(delivered), false, out);
}

void smtp_fsm::note_failure(transaction& of, stage at, const reply& said, milliseconds now, fsm_actions& out) {
  of.failure = judge_reply(at, said, settings_->preset);
  report(at, *of.failure, {}, now, out);
}

void smtp_fsm::end(transaction& which, outcome came_to, bool replaceable, fsm_actions& out) {
  out.completed.push_back({std::move(which.message), std::move(came_to), replaceable});
  if (sending_ == &which) sending_ = nullptr;
  const auto at =
      std::find_if(transactions_.begin(), transactions_.end(), [&](const transaction& one) { return &one == &which; });
  transactions_.erase(at);
}

// With its failure, and with RSET where the server still has the transaction open.
void smtp_fsm::end_failed(transaction& which, fsm_actions& out) {
  const bool open = which.mail_accepted;
  end(which, *std::move(which.failure), false, out);
  if (open && !quit_sent_) {
    send("RSET", out);
    pending_.push_back({command::rset, nullptr});
  }
}

// The connection can no longer be used: every mail in flight gets its outcome. found_dead: because the server closed it
// or says that it does; only then a used connection may have been over before the mail began.
void smtp_fsm::lose(const outcome& why, bool found_dead, fsm_actions& out) {
  while (!transactions_.empty()) {
    transaction& one = transactions_.front();
    if (one.failure) {
      end(one, *std::move(one.failure), false, out);
    } else if (one.body_sent) {
      end(one, make_uncertain(why), false, out);
    } else {
      end(one, why, found_dead && one.on_used_connection && !one.accepted, out);
    }
  }
  pending_.clear();
}

// After a step: is there a reason to say goodbye?
void smtp_fsm::settle(milliseconds now, fsm_actions& out) {
  if (state_ != fsm_state::ready) return;
  if (transactions_.empty() && pending_.empty() && (finishing_ || at_message_limit() || too_old(now))) {
    quit(out);
    return;
  }
  set_deadline(out);
}

void smtp_fsm::quit(fsm_actions& out) {
  if (quit_sent_) return;
  quit_sent_ = true;
  state_ = fsm_state::quitting;
  send("QUIT", out);
  pending_.push_back({command::quit, nullptr});
  out.deadline = quit_timeout;
}

void smtp_fsm::set_deadline(fsm_actions& out) {
  if (pending_.empty()) {
    out.deadline = settings_->idle_timeout;
    return;
  }
  switch (pending_.front().to) {
    case command::data:
      out.deadline = settings_->data_start_timeout;
      return;
    case command::body:
      out.deadline = sending_ != nullptr ? settings_->data_block_timeout : settings_->data_end_timeout;
      return;
    case command::quit:
      out.deadline = quit_timeout;
      return;
    default:
      out.deadline = settings_->command_timeout;
  }
}

void smtp_fsm::finish(milliseconds, fsm_actions& out) {
  if (finishing_ || state_ == fsm_state::over) return;
  finishing_ = true;
  if (opening()) {
    forget_credentials();
    out.opening_failed = make_outcome("SERVER_CLOSED", "the connection is no longer wanted");
    out.opening_failed->result = outcome_class::returned;
    close(out);
  } else if (state_ == fsm_state::ready && pending_.empty()) {
    quit(out);
  }
}

void smtp_fsm::abort(std::string_view why, milliseconds now, fsm_actions& out) {
  if (state_ == fsm_state::over) return;
  if (opening()) {
    finish(now, out);
    return;
  }
  outcome given_up = make_outcome("COMMAND_TIMEOUT", why);
  given_up.result = outcome_class::returned;
  lose(given_up, false, out);
  close(out);
}

}  // namespace tocsin::smtp
