// SPDX-License-Identifier: Apache-2.0
// The mail transaction of the dialogue: MAIL, RCPT, DATA, BDAT, and the answer to a whole message.
#include <charconv>
#include <limits>
#include <stdexcept>
#include <utility>

#include "dialogue_fsm.hpp"
#include "encoding.hpp"

namespace tocsin::inbox {
namespace {

constexpr std::size_t most_recipients = 1000;

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

}  // namespace

// What is wrong with a parameter of MAIL; empty: nothing.
std::string_view dialogue_fsm::parameter_fault(const envelope_argument::parameter& which) {
  if (which.keyword == "SIZE") {
    const auto size = to_number(which.value);
    if (!size) return "501 5.5.4 SIZE needs a number";
    if (*size > how_.size_limit) return "552 5.3.4 The message is larger than this server takes";
    return {};
  }
  if (which.keyword == "BODY") {
    const bool known = equal_ignoring_case(which.value, "7BIT") || equal_ignoring_case(which.value, "8BITMIME");
    return known ? std::string_view() : "501 5.5.4 BODY is 7BIT or 8BITMIME";
  }
  if (which.keyword == "SMTPUTF8" && how_.smtputf8) {
    smtputf8_ = true;
    return which.value.empty() ? std::string_view() : "501 5.5.4 SMTPUTF8 takes no value";
  }
  if (which.keyword == "AUTH" && !which.value.empty() && offers_auth()) return {};
  return "555 5.5.4 Unknown parameter";
}

void dialogue_fsm::handle_mail(std::string_view argument) {
  if (client_name_.empty()) {
    answer("mail", "503 5.5.1 EHLO comes first");
    return;
  }
  if (how_.auth_required && signed_in_as_.empty()) {
    answer("mail", offers_starttls() && how_.auth_only_under_tls ? "530 5.7.0 STARTTLS comes first"
                                                                 : "530 5.7.0 Sign-in is required");
    return;
  }
  if (in_transaction_) {
    answer("mail", "503 5.5.1 A transaction is open");
    return;
  }
  const auto parsed = parse_envelope_argument("FROM:", argument);
  if (!parsed) {
    answer("mail", "501 5.1.7 Not in the form MAIL FROM:<address>");
    return;
  }
  forget_transaction();
  for (const auto& each : parsed->parameters) {
    if (const auto fault = parameter_fault(each); !fault.empty()) {
      answer("mail", fault);
      return;
    }
  }
  if (!smtputf8_ && !is_ascii(argument)) {
    answer("mail", "553 5.6.7 An address beyond ASCII needs SMTPUTF8");
    return;
  }
  if (answer("mail", "250 2.1.0 Ok") != '2') return;
  in_transaction_ = true;
  mail_.envelope_from = parsed->address;
}

void dialogue_fsm::handle_recipient(std::string_view argument) {
  if (!in_transaction_ || in_chunks_) {
    answer("rcpt", "503 5.5.1 MAIL comes first");
    return;
  }
  const auto parsed = parse_envelope_argument("TO:", argument);
  if (!parsed || parsed->address.empty()) {
    answer("rcpt", "501 5.1.3 Not in the form RCPT TO:<address>");
  } else if (!parsed->parameters.empty()) {
    answer("rcpt", "555 5.5.4 Unknown parameter");
  } else if (!smtputf8_ && !is_ascii(argument)) {
    answer("rcpt", "553 5.6.7 An address beyond ASCII needs SMTPUTF8");
  } else if (mail_.recipients.size() == most_recipients) {
    answer("rcpt", "452 4.5.3 Too many recipients");
  } else if (answer("rcpt", "250 2.1.5 Ok") == '2') {
    mail_.recipients.push_back(parsed->address);
  }
}

void dialogue_fsm::handle_data(std::string_view argument) {
  if (!argument.empty()) {
    answer("data", "501 5.5.4 DATA takes no argument");
  } else if (!in_transaction_ || in_chunks_) {
    answer("data", "503 5.5.1 MAIL comes first");
  } else if (mail_.recipients.empty()) {
    answer("data", "554 5.5.1 No valid recipients");
  } else if (answer("data", "354 End with <CRLF>.<CRLF>") == '3') {
    decoder_ = data_decoder(how_.size_limit);
    state_ = state::message;
  }
}

// The chunk follows the command without waiting, so it is read whatever the answer is going to be (RFC 3030, section
// 2).
void dialogue_fsm::handle_chunk_command(std::string_view argument) {
  const auto space = argument.find(' ');
  const auto size = to_number(argument.substr(0, space));
  const bool last = space != std::string_view::npos && equal_ignoring_case(argument.substr(space + 1), "LAST");
  if (!size || (space != std::string_view::npos && !last)) {
    answer("data", "501 5.5.4 Not in the form BDAT size [LAST]");
    return;
  }
  chunk_left_ = *size;
  chunk_is_last_ = last;
  chunk_is_discarded_ = !in_transaction_ || mail_.recipients.empty();
  in_chunks_ = in_chunks_ || !chunk_is_discarded_;
  const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - chunks_size_;
  chunks_size_ = *size > room ? std::numeric_limits<std::uint64_t>::max() : chunks_size_ + *size;
  state_ = state::chunk;
  std::string_view nothing;
  if (chunk_left_ == 0) take_chunk(nothing);
}

void dialogue_fsm::take_chunk(std::string_view& input) {
  const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input.size()));
  if (!chunk_is_discarded_ && chunks_size_ <= how_.size_limit) mail_.data.append(input.substr(0, now));
  input.remove_prefix(now);
  chunk_left_ -= now;
  if (chunk_left_ != 0) return;
  state_ = state::command;
  if (chunk_is_discarded_) {
    const bool without_recipient = in_transaction_;
    forget_transaction();
    answer("data", without_recipient ? "554 5.5.1 No valid recipients" : "503 5.5.1 MAIL comes first");
  } else if (chunk_is_last_) {
    finish_message();
  } else {
    const bool over = chunks_size_ > how_.size_limit;
    const char first = answer("data", over ? "552 5.3.4 The message is larger than this server takes"
                                           : "250 2.0.0 " + std::to_string(chunks_size_) + " octets so far");
    if (first != '2') forget_transaction();
  }
}

void dialogue_fsm::finish_message() {
  const bool chunked = in_chunks_;
  const std::uint64_t size = chunked ? chunks_size_ : decoder_.size();
  state_ = state::command;
  if (how_.record_dialogue) {
    record("C:", std::string("[").append(std::to_string(size)).append(" octets]"));
    if (!chunked) record("C:", ".");
  }
  const auto fault = shared_.faults.take("body");
  const bool refused_by_fault = fault && fault->what == misdeed::reply && !fault->text.starts_with('2');
  std::string text = "552 5.3.4 The message is larger than this server takes";
  if (refused_by_fault) {
    text = fault->text;
  } else if (size <= how_.size_limit) {
    mail_.tls_version = tls_version_;
    mail_.tls_cipher = tls_cipher_;
    mail_.signed_in_as = signed_in_as_;
    mail_.mechanism = mechanism_;
    mail_.client_name = client_name_;
    mail_.connection = connection_;
    flush_record();  // who waits for the mail finds its dialogue
    try {
      text = "250 2.0.0 Ok: queued as " + std::to_string(shared_.box.keep(mail_));
    } catch (const std::runtime_error& error) {
      text = std::string("451 4.3.0 The message was not kept: ") + error.what();
    }
  }
  forget_transaction();
  answer_or(fault, text);
}

}  // namespace tocsin::inbox
