// The state machine's sign-in: AUTH, challenges and answers, the next mechanism after a broken one.
#include "plugins/channels/smtp/mime/encode.hpp"
#include "plugins/channels/smtp/protocol/smtp_fsm.hpp"

#include <tocsin/sdk/json.hpp>

#include <algorithm>

namespace tocsin::smtp {
namespace {

// RFC 4954 section 4: a longer initial response waits for the server's first challenge.
constexpr std::size_t max_command_bytes = 510;

// No mechanism that we know needs more than three; a server that asks on and on must not have us answer on and on.
constexpr unsigned max_challenges = 8;

void wipe(std::string& secret) {
  volatile char* at = secret.data();
  for (std::size_t i = 0; i < secret.size(); ++i) at[i] = 0;
  secret.clear();
}

bool same_letter(char a, char b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return lower(a) == lower(b);
}

// Puts *** in the place of the secret, and of a beginning of it: servers cut off what they repeat.
void hide(std::string& text, std::string_view secret) {
  constexpr std::size_t shortest_beginning = 8;
  constexpr std::string_view hidden = "***";
  if (secret.empty()) return;
  const std::string_view head = secret.substr(0, shortest_beginning);
  std::size_t from = 0;
  while (true) {
    const auto at = std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), head.begin(), head.end(),
                                same_letter);
    if (at == text.end()) return;
    const auto begin = static_cast<std::size_t>(at - text.begin());
    const auto end = std::mismatch(at, text.end(), secret.begin(), secret.end(), same_letter).first;
    text.replace(at, end, hidden);
    from = begin + hidden.size();
  }
}

}  // namespace

void smtp_fsm::forget_credentials() {
  wipe(credentials_.password);
  for (std::string& one : sent_secrets_) wipe(one);
  sent_secrets_.clear();
  if (held_back_) wipe(*held_back_);
  held_back_.reset();
  exchange_.reset();
}

// In base64, as it is sent; it is kept until the sign-in is over, for without_credentials(). The user name by itself,
// which LOGIN sends, is no secret as it is, only where it could be taken for one.
std::string smtp_fsm::note_response(const std::string& raw) {
  std::string encoded = to_base64(raw);
  sent_secrets_.push_back(encoded);
  if (raw != credentials_.username) sent_secrets_.push_back(raw);
  return encoded;
}

// Some servers repeat the line that they do not like.
reply smtp_fsm::without_credentials(const reply& said) const {
  reply shown = said;
  for (const std::string& one : sent_secrets_) hide(shown.text, one);
  hide(shown.text, credentials_.password);
  return shown;
}

// shown goes to the transcript: never what is secret.
void smtp_fsm::send_secret(std::string_view line, std::string_view shown, milliseconds now, fsm_actions& out) {
  out.write.append(line).append("\r\n");
  transcript_.client(shown);
  out.deadline = opening_deadline(now);
}

void smtp_fsm::credentials_ready(std::string password, milliseconds now, fsm_actions& out) {
  if (state_ != fsm_state::signing_in || mechanisms_.empty()) {
    wipe(password);
    return;
  }
  credentials_.username = settings_->username;
  credentials_.password = std::move(password);
  credentials_.host = settings_->host;
  credentials_.port = settings_->port;
  credentials_.channel_binding = channel_binding_;
  start_mechanism(now, out);
}

void smtp_fsm::credentials_missing(std::string_view why, milliseconds now, fsm_actions& out) {
  if (state_ != fsm_state::signing_in) return;
  fail_sign_in(make_outcome("SETTINGS_INVALID", "the password cannot be read: " + std::string(why)), now, out);
}

void smtp_fsm::fail_sign_in(outcome why, milliseconds now, fsm_actions& out) {
  fail_opening(why.code == "SETTINGS_INVALID" ? stage::settings : stage::auth, std::move(why), now, out);
}

void smtp_fsm::start_mechanism(milliseconds now, fsm_actions& out) {
  const std::string mechanism = mechanisms_.front();
  std::string why;
  broken_.clear();
  sent_response_ = false;
  challenges_ = 0;
  too_many_ = false;
  held_back_.reset();
  exchange_ = make_exchange(mechanism, credentials_, why);
  if (exchange_ == nullptr) {
    if (!next_mechanism(now, out)) fail_sign_in(make_outcome("AUTH_MECHANISM_UNSUPPORTED", why), now, out);
    return;
  }
  const std::string opening = "AUTH " + mechanism;
  const std::optional<sasl_exchange::step> initial = exchange_->initial();
  if (initial && !initial->ok) {
    why = mechanism + " cannot begin: " + initial->why;
    if (!next_mechanism(now, out)) fail_sign_in(make_outcome("AUTH_MECHANISM_UNSUPPORTED", why), now, out);
    return;
  }
  if (!initial) {
    send_secret(opening, opening, now, out);
    return;
  }
  std::string response = initial->response.empty() ? "=" : note_response(initial->response);
  if (opening.size() + 1 + response.size() > max_command_bytes) {
    held_back_ = std::move(response);
    send_secret(opening, opening, now, out);
    return;
  }
  sent_response_ = true;
  std::string line = opening + " " + response;
  send_secret(line, opening + " ***", now, out);
  wipe(line);
  wipe(response);
}

void smtp_fsm::on_auth_reply(const reply& said, milliseconds now, fsm_actions& out) {
  if (exchange_ == nullptr) {  // it talks before it was asked
    on_violation("the server answered before a sign-in had begun", now, out);
    return;
  }
  if (said.code == 334 && broken_.empty()) {
    transcript_.server("334 ***");
    on_challenge(said, now, out);
    return;
  }
  if (said.code == 235 && broken_.empty()) {
    if (!exchange_->accept()) {
      fail_sign_in(
          make_outcome("AUTH_SERVER_UNVERIFIED", "the server said yes without proving that it knows the password"), now,
          out);
      return;
    }
    std::string facts = sdk::json_writer{}.text("mechanism", mechanisms_.front()).str();
    outcome signed_in;
    signed_in.detail = "signed in as " + settings_->username + " with " + mechanisms_.front();
    report(stage::auth, std::move(signed_in), std::move(facts), now, out);
    forget_credentials();
    become_ready(now, out);
    return;
  }
  if (!broken_.empty() && said.code != 421) {  // the answer to our "*"
    // A server that went on asking has our answer: its "no" is about the password.
    outcome why = judge_reply(stage::auth, said, settings_->preset);
    if (too_many_ && why.result == outcome_class::auth && said.code == 535) {
      fail_sign_in(std::move(why), now, out);
      return;
    }
    why = make_outcome("PROTOCOL_VIOLATION", broken_);
    why.server_reply = said.to_line();
    if (!next_mechanism(now, out)) fail_sign_in(std::move(why), now, out);
    return;
  }
  outcome why = judge_reply(stage::auth, said, settings_->preset);
  const bool mechanism_at_fault = why.code == "AUTH_MECHANISM_UNSUPPORTED" || said.enhanced == "5.5.2";
  if (mechanism_at_fault && next_mechanism(now, out)) return;
  if (why.detail.empty()) why.detail = "signing in as " + settings_->username + " with " + mechanisms_.front();
  fail_sign_in(std::move(why), now, out);
}

void smtp_fsm::on_challenge(const reply& said, milliseconds now, fsm_actions& out) {
  const bool answered_plain = mechanisms_.front() == "PLAIN" && sent_response_;  // RFC 4616: one message, and no more
  if (answered_plain || ++challenges_ > max_challenges) {
    too_many_ = true;
    cancel_exchange(mechanisms_.front() + ": the server goes on asking after it has got all answers", now, out);
    return;
  }
  if (held_back_) {
    sent_response_ = true;
    std::string response = std::move(*held_back_);
    held_back_.reset();
    send_secret(response, "***", now, out);
    wipe(response);
    return;
  }
  std::optional<std::string> challenge;
  if (said.text.size() <= max_challenge_bytes) challenge = from_base64(said.text, max_challenge_bytes);
  if (!challenge) {
    cancel_exchange("the server's challenge is no base64, or longer than 12 KiB", now, out);
    return;
  }
  sasl_exchange::step step = exchange_->answer(*challenge);
  if (step.ok) {
    sent_response_ = true;
    std::string response = note_response(step.response);
    send_secret(response, "***", now, out);
    wipe(step.response);
    wipe(response);
    return;
  }
  // Its last message was to prove that the server knows the password as well. One that cannot gets no other mechanism
  // either: the next one might tell it.
  if (mechanisms_.front().starts_with("SCRAM-") && challenge->starts_with("v=")) {
    fail_sign_in(make_outcome("AUTH_SERVER_UNVERIFIED", "the server's signature is wrong: " + step.why), now, out);
    return;
  }
  cancel_exchange(mechanisms_.front() + ": " + step.why, now, out);
}

void smtp_fsm::cancel_exchange(std::string why, milliseconds now, fsm_actions& out) {
  broken_ = std::move(why);
  send_secret("*", "*", now, out);
}

// False: there is none left.
bool smtp_fsm::next_mechanism(milliseconds now, fsm_actions& out) {
  if (mechanisms_.size() < 2) return false;
  mechanisms_.erase(mechanisms_.begin());
  start_mechanism(now, out);
  return true;
}

}  // namespace tocsin::smtp
