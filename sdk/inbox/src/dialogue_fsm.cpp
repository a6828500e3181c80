// SPDX-License-Identifier: Apache-2.0
// Lines in, answers out: the frame of the dialogue, the greeting, EHLO, STARTTLS and sign-in. The mail transaction is
// in transaction_fsm.cpp.
#include "dialogue_fsm.hpp"

#include <algorithm>
#include <utility>

#include "encoding.hpp"

namespace tocsin::inbox {
namespace {

constexpr std::size_t longest_line = 12'288;  // of AUTH, the longest there is (RFC 4954, section 4)
constexpr std::size_t longest_output = 64 * 1024;
constexpr std::string_view garbage("\x00\xff\x16\x03\x80 no SMTP \xfe\r\n", 17);

std::string_view first_word(std::string_view text) { return text.substr(0, text.find(' ')); }

}  // namespace

dialogue_fsm::dialogue_fsm(shared_state& shared, std::uint64_t connection)
    : shared_(shared), how_(shared.how), connection_(connection) {}

dialogue_fsm::~dialogue_fsm() { flush_record(); }

next_action dialogue_fsm::greet() {
  const char first = answer("greeting", "220 " + how_.greeting_name + " ESMTP Tocsin inbox");
  session_ = first == '2' ? session::open : session::refused;
  return effect_ ? *std::exchange(effect_, std::nullopt) : next_action::read;
}

next_action dialogue_fsm::consume(std::string_view& input) {
  std::string line;
  while (!input.empty()) {
    switch (state_) {
      case state::command:
        if (!take_line(input, line)) return next_action::read;
        handle_command(line);
        break;
      case state::challenge:
      case state::scripted_challenge:
        if (!take_line(input, line)) return next_action::read;
        handle_challenge_answer(line);
        break;
      case state::message:
        if (!decoder_.take(input, mail_.data)) return next_action::read;
        finish_message();
        break;
      case state::chunk:
        take_chunk(input);
        break;
      case state::silent:
        input.remove_prefix(input.size());
        break;
    }
    if (effect_) return *std::exchange(effect_, std::nullopt);
    if (output_.size() > longest_output) return next_action::again;
  }
  return next_action::read;
}

void dialogue_fsm::secured(std::string tls_version, std::string tls_cipher) {
  record("--", tls_version + " " + tls_cipher);
  tls_version_ = std::move(tls_version);
  tls_cipher_ = std::move(tls_cipher);
  client_name_.clear();  // all that the client said in clear is forgotten (RFC 3207, section 4.2)
  signed_in_as_.clear();
  mechanism_.clear();
  forget_transaction();
}

void dialogue_fsm::fall_silent() { state_ = state::silent; }

char dialogue_fsm::answer(std::string_view step, std::string_view text) {
  return answer_or(shared_.faults.take(step), text);
}

char dialogue_fsm::answer_or(const std::optional<planned_fault>& fault, std::string_view text) {
  if (!fault) {
    say(text);
    return text.front();
  }
  switch (fault->what) {
    case misdeed::reply: {
      say(fault->text);
      if (fault->text.starts_with("421")) effect_ = next_action::close;
      return fault->text.empty() ? '5' : fault->text.front();
    }
    case misdeed::inject:
      say(text);
      record("S:", fault->text);
      output_ += fault->text;
      return text.front();
    case misdeed::split:
      record("S:", text);
      split_output_.assign(text).append("\r\n");
      effect_ = next_action::again;
      return text.front();
    case misdeed::garbage:
      record("--", "garbage sent");
      output_ += garbage;
      return text.front();
    case misdeed::stall:
      record("--", "silent from here on");
      fall_silent();
      return 0;
    case misdeed::drop:
      record("--", "connection closed");
      effect_ = next_action::close;
      break;
    case misdeed::reset:
      record("--", "connection reset");
      effect_ = next_action::reset;
      break;
  }
  return 0;
}

void dialogue_fsm::say(std::string_view text) {
  if (text.ends_with("\r\n")) text.remove_suffix(2);
  record("S:", text);
  output_.append(text).append("\r\n");
}

void dialogue_fsm::record(std::string_view who, std::string_view what) {
  if (!how_.record_dialogue) return;
  for (;;) {
    const auto end = what.find("\r\n");
    said_.append(who).append(" ").append(what.substr(0, end)).append("\n");
    if (end == std::string_view::npos || end + 2 == what.size()) return;
    what.remove_prefix(end + 2);
  }
}

// A command may end in a bare LF, as from a hand at netcat; the end of a message may not.
bool dialogue_fsm::take_line(std::string_view& input, std::string& line) {
  for (;;) {
    const auto end = input.find('\n');
    if (end == std::string_view::npos) {
      if (input.size() <= longest_line && !line_too_long_) return false;
      line_too_long_ = true;
      input.remove_prefix(input.size());
      return false;
    }
    auto taken = input.substr(0, end);
    input.remove_prefix(end + 1);
    if (line_too_long_ || taken.size() > longest_line) {
      line_too_long_ = false;
      say("500 5.5.2 Line too long");
      if (input.empty()) return false;
      continue;
    }
    if (taken.ends_with('\r')) taken.remove_suffix(1);
    record("C:", taken);
    line = taken;
    return true;
  }
}

void dialogue_fsm::handle_command(std::string_view line) {
  const auto verb = first_word(line);
  const auto argument = verb.size() == line.size() ? std::string_view() : line.substr(verb.size() + 1);
  const auto is = [&verb](std::string_view name) { return equal_ignoring_case(verb, name); };
  if (is("QUIT")) {
    answer("quit", "221 2.0.0 Bye");
    if (state_ != state::silent && effect_ != next_action::reset) effect_ = next_action::close;
  } else if (session_ == session::refused) {
    say("503 5.5.1 This server has no service");
  } else if (line.find('\r') != std::string_view::npos || line.find('\0') != std::string_view::npos) {
    say("500 5.5.2 A command is a line without CR and NUL");
  } else if (is("EHLO") || is("HELO")) {
    handle_hello(is("EHLO"), argument);
  } else if (is("STARTTLS")) {
    handle_starttls(argument);
  } else if (is("AUTH")) {
    handle_auth(argument);
  } else if (is("MAIL")) {
    handle_mail(argument);
  } else if (is("RCPT")) {
    handle_recipient(argument);
  } else if (is("DATA")) {
    handle_data(argument);
  } else if (is("BDAT") && how_.chunking) {
    handle_chunk_command(argument);
  } else if (is("RSET")) {
    forget_transaction();
    answer("rset", "250 2.0.0 Ok");
  } else if (is("NOOP")) {
    answer("noop", "250 2.0.0 Ok");
  } else if (is("VRFY")) {
    answer("vrfy", argument.empty() ? "501 5.5.4 VRFY needs an address" : "252 2.0.0 Send it and see");
  } else if (is("HELP")) {
    say("214 2.0.0 See RFC 5321");
  } else {
    say("500 5.5.2 Unknown command");
  }
}

void dialogue_fsm::handle_hello(bool extended, std::string_view argument) {
  const std::string_view step = extended ? "ehlo" : "helo";
  if (trimmed(argument).empty()) {
    answer(step, "501 5.5.4 The client's name is missing");
    return;
  }
  forget_transaction();
  if (answer(step, hello_answer(extended)) == '2') client_name_ = trimmed(argument);
}

std::string dialogue_fsm::hello_answer(bool extended) const {
  if (!extended) return "250 " + how_.greeting_name;
  std::vector<std::string> lines = {how_.greeting_name + " at your service"};
  if (how_.pipelining) lines.emplace_back("PIPELINING");
  lines.push_back("SIZE " + std::to_string(how_.size_limit));
  if (offers_starttls()) lines.emplace_back("STARTTLS");
  if (offers_auth()) lines.push_back("AUTH " + mechanisms());
  lines.emplace_back("8BITMIME");
  if (how_.chunking) lines.emplace_back("CHUNKING");
  if (how_.smtputf8) lines.emplace_back("SMTPUTF8");
  lines.emplace_back("ENHANCEDSTATUSCODES");
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text += i + 1 < lines.size() ? "250-" + lines[i] + "\r\n" : "250 " + lines[i];
  }
  return text;
}

bool dialogue_fsm::offers_starttls() const { return how_.mode == security::starttls && tls_version_.empty(); }

bool dialogue_fsm::offers_auth() const {
  if (how_.auth_only_under_tls && tls_version_.empty()) return false;
  return !how_.mechanisms.empty() && !shared_.accounts.get()->empty();
}

std::string dialogue_fsm::mechanisms() const {
  std::string names;
  for (const auto& name : how_.mechanisms) names += (names.empty() ? "" : " ") + name;
  return names;
}

void dialogue_fsm::handle_starttls(std::string_view argument) {
  if (!argument.empty()) {
    answer("starttls", "501 5.5.4 STARTTLS takes no argument");
  } else if (!tls_version_.empty()) {
    answer("starttls", "503 5.5.1 TLS is on");
  } else if (!offers_starttls()) {
    answer("starttls", "502 5.5.1 STARTTLS is not offered");
  } else if (answer("starttls", "220 2.0.0 Go ahead") == '2') {
    effect_ = next_action::start_tls;
  }
}

void dialogue_fsm::handle_auth(std::string_view argument) {
  std::string mechanism(first_word(argument));
  for (char& letter : mechanism) letter = static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 32 : letter);
  accounts_in_use_ = shared_.accounts.get();
  if (how_.auth_only_under_tls && tls_version_.empty() && !accounts_in_use_->empty()) {
    answer("auth", "538 5.7.11 Encryption is required before sign-in");
  } else if (!offers_auth()) {
    answer("auth", "503 5.5.1 Sign-in is not offered");
  } else if (client_name_.empty() || !signed_in_as_.empty() || in_transaction_) {
    answer("auth", "503 5.5.1 Not now");
  } else if (std::find(how_.mechanisms.begin(), how_.mechanisms.end(), mechanism) == how_.mechanisms.end()) {
    answer("auth", "504 5.5.4 This mechanism is not offered");
  } else {
    std::optional<std::string> initial;
    if (argument.size() > mechanism.size()) {
      const auto sent = argument.substr(mechanism.size() + 1);
      initial = sent == "=" ? std::string() : from_base64(sent);
      if (!initial) {
        answer("auth", "501 5.5.2 The initial response is not base64");
        return;
      }
    }
    const std::string nonce = std::to_string(connection_) + "." + std::to_string(++challenges_);
    exchange_.emplace(std::move(mechanism), *accounts_in_use_, how_.greeting_name, nonce);
    finish_sign_in_step(exchange_->start(initial));
  }
}

void dialogue_fsm::handle_challenge_answer(std::string_view line) {
  const bool scripted = state_ == state::scripted_challenge;
  state_ = state::command;
  if (line == "*") {
    say("501 5.7.0 Sign-in cancelled");
  } else if (scripted) {
    say("535 5.7.8 Wrong user name or password");
  } else if (const auto decoded = from_base64(line)) {
    finish_sign_in_step(exchange_->step(*decoded));
  } else {
    say("501 5.5.2 The response is not base64");
  }
}

void dialogue_fsm::finish_sign_in_step(sign_in::verdict verdict) {
  if (verdict == sign_in::verdict::challenge) {
    say("334 " + to_base64(exchange_->challenge()));
    state_ = state::challenge;
    return;
  }
  std::string_view text = "235 2.7.0 Signed in";
  if (verdict == sign_in::verdict::refused) text = "535 5.7.8 Wrong user name or password";
  if (verdict == sign_in::verdict::malformed) text = "501 5.5.2 The response does not fit the mechanism";
  const char first = answer("auth", text);
  if (first == '3') {
    state_ = state::scripted_challenge;
  } else if (first == '2') {
    signed_in_as_ = exchange_->user();
    mechanism_ = exchange_->mechanism();
  }
  exchange_.reset();
}

void dialogue_fsm::forget_transaction() {
  in_transaction_ = false;
  in_chunks_ = false;
  smtputf8_ = false;
  chunks_size_ = 0;
  mail_ = {};
}

}  // namespace tocsin::inbox
