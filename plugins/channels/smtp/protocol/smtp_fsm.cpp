// The state machine of an SMTP connection, until it is ready for mail: greeting, EHLO, STARTTLS. Signing in and mail
// have files of their own.
#include "plugins/channels/smtp/protocol/smtp_fsm.hpp"

#include <tocsin/sdk/json.hpp>

#include <algorithm>

namespace tocsin::smtp {
namespace {

std::string capabilities_facts(const capabilities& offered) {
  std::string lines = "[";
  for (const std::string& line : offered.lines) {
    if (lines.size() > 1) lines += ',';
    lines += sdk::json_text(line);
  }
  lines += ']';
  return sdk::json_writer{}.text("server", offered.server_name).raw("capabilities", lines).str();
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (!text.empty()) text += ", ";
    text += line;
  }
  return text;
}

outcome good(std::string detail) {
  outcome made;
  made.detail = std::move(detail);
  return made;
}

}  // namespace

void fsm_actions::clear() {
  write.clear();
  completed.clear();
  stages.clear();
  opened = false;
  opening_failed.reset();
  deadline.reset();
  need_credentials = false;
  secure = false;
  close = false;
}

smtp_fsm::smtp_fsm(std::shared_ptr<const fsm_settings> settings) : settings_(std::move(settings)) {}

void smtp_fsm::send(std::string_view line, fsm_actions& out) {
  out.write.append(line).append("\r\n");
  transcript_.client(line);
}

void smtp_fsm::connected(std::string client_name, std::string channel_binding, milliseconds now, fsm_actions& out) {
  if (state_ != fsm_state::connecting) return;
  client_name_ = std::move(client_name);
  channel_binding_ = std::move(channel_binding);
  encrypted_ = settings_->security == security::implicit;
  state_ = fsm_state::greeting;
  began_ = now;
  stage_began_ = now;
  transcript_.note(encrypted_ ? "connected, TLS is up" : "connected");
  out.deadline = opening_deadline(now);
}

// From "connected" to "ready for mail", whatever the server makes of it in between: three times timeouts.command, or
// timeouts.session if that is less. A server that answers each command just in time could else hold the mails that wait
// for the connection for an hour.
milliseconds smtp_fsm::opening_limit() const {
  const milliseconds limit = 3 * settings_->command_timeout;
  return settings_->session_timeout.count() > 0 ? std::min(limit, settings_->session_timeout) : limit;
}

milliseconds smtp_fsm::opening_deadline(milliseconds now) const {
  const milliseconds left = began_ + opening_limit() - now;
  return std::clamp(left, milliseconds{1}, std::max(settings_->command_timeout, milliseconds{1}));  // 0 would be: none
}

void smtp_fsm::secured(std::string channel_binding, milliseconds now, fsm_actions& out) {
  if (state_ != fsm_state::securing) return;
  encrypted_ = true;
  channel_binding_ = std::move(channel_binding);
  parser_ = reply_parser{};
  transcript_.note("TLS is up");
  stage_began_ = now;
  send_ehlo(now, out);
}

void smtp_fsm::received(std::string_view bytes, milliseconds now, fsm_actions& out) {
  while (!bytes.empty() && state_ != fsm_state::over) {
    if (state_ == fsm_state::connecting || state_ == fsm_state::securing) {
      fail_opening(stage::starttls, make_outcome("STARTTLS_INJECTION", "the server sent bytes while TLS was to begin"),
                   now, out);
      return;
    }
    switch (parser_.feed(bytes)) {
      case reply_parser::status::need_more:
        return;
      case reply_parser::status::violation:
        on_violation(parser_.why(), now, out);
        return;
      case reply_parser::status::complete:
        on_reply(parser_.value(), !bytes.empty(), now, out);
        break;
    }
  }
}

void smtp_fsm::on_reply(const reply& given, bool more_follows, milliseconds now, fsm_actions& out) {
  // A challenge is needed as it is, and is not shown.
  const bool challenge = given.code == 334 && broken_.empty();
  std::optional<reply> hidden;
  if (state_ == fsm_state::signing_in && !challenge) hidden = without_credentials(given);
  const reply& said = hidden ? *hidden : given;
  if (state_ != fsm_state::signing_in || !said.wants_more()) transcript_.server(said.to_line());
  switch (state_) {
    case fsm_state::greeting:
      on_greeting(said, more_follows, now, out);
      return;
    case fsm_state::ehlo:
    case fsm_state::helo:
      on_ehlo(said, more_follows, now, out);
      return;
    case fsm_state::starttls:
      on_starttls(said, more_follows, now, out);
      return;
    case fsm_state::signing_in:
      on_auth_reply(said, now, out);
      return;
    case fsm_state::ready:
    case fsm_state::quitting:
      on_transaction_reply(said, now, out);
      return;
    case fsm_state::connecting:
    case fsm_state::securing:
    case fsm_state::over:
      return;
  }
}

void smtp_fsm::on_greeting(const reply& said, bool more_follows, milliseconds now, fsm_actions& out) {
  if (said.code != 220) {
    fail_opening(stage::greeting, judge_reply(stage::greeting, said, settings_->preset), now, out);
    return;
  }
  if (more_follows) {
    fail_opening(stage::greeting,
                 make_outcome("PROTOCOL_VIOLATION", "the server went on talking after its greeting, before EHLO"), now,
                 out);
    return;
  }
  report(stage::greeting, good(said.to_line()), {}, now, out);
  send_ehlo(now, out);
}

void smtp_fsm::send_ehlo(milliseconds now, fsm_actions& out) {
  state_ = fsm_state::ehlo;
  offered_ = {};  // what was offered in clear counts for nothing under TLS
  send("EHLO " + client_name_, out);
  out.deadline = opening_deadline(now);
}

void smtp_fsm::on_ehlo(const reply& said, bool more_follows, milliseconds now, fsm_actions& out) {
  const bool needs_starttls = settings_->security == security::starttls && !encrypted_;
  if (!said.good()) {
    const bool old_server = said.code >= 500 && state_ == fsm_state::ehlo;
    if (old_server && settings_->security != security::starttls && !settings_->sign_in.needed()) {
      state_ = fsm_state::helo;
      send("HELO " + client_name_, out);
      out.deadline = opening_deadline(now);
      return;
    }
    fail_opening(stage::ehlo, judge_reply(stage::ehlo, said, settings_->preset), now, out);
    return;
  }
  if (state_ == fsm_state::ehlo) offered_ = read_capabilities(said);
  // The second EHLO of a connection is no stage of its own while it goes well.
  if (settings_->security != security::starttls || !encrypted_) {
    report(stage::ehlo, good(offered_.lines.empty() ? "nothing beyond the basic commands" : joined(offered_.lines)),
           settings_->step_by_step ? capabilities_facts(offered_) : std::string{}, now, out);
  }
  if (!needs_starttls) {
    after_ehlo(now, out);
    return;
  }
  if (more_follows) {
    fail_opening(stage::starttls,
                 make_outcome("STARTTLS_INJECTION",
                              "bytes followed the reply to EHLO before STARTTLS was sent; somebody "
                              "between us and the server may have added them"),
                 now, out);
    return;
  }
  if (!offered_.starttls) {
    fail_opening(stage::starttls,
                 make_outcome("STARTTLS_NOT_OFFERED", "the server does not offer STARTTLS; nothing was sent in clear"),
                 now, out);
    return;
  }
  state_ = fsm_state::starttls;
  send("STARTTLS", out);
  out.deadline = opening_deadline(now);
}

void smtp_fsm::on_starttls(const reply& said, bool more_follows, milliseconds now, fsm_actions& out) {
  if (said.code != 220) {
    outcome why = judge_reply(stage::starttls, said, settings_->preset);
    fail_opening(stage::starttls, std::move(why), now, out);
    return;
  }
  if (more_follows) {
    fail_opening(stage::starttls,
                 make_outcome("STARTTLS_INJECTION",
                              "bytes came along with the answer to STARTTLS, in clear; somebody "
                              "between us and the server may have added them"),
                 now, out);
    return;
  }
  report(stage::starttls, good(said.to_line()), {}, now, out);
  offered_ = {};
  state_ = fsm_state::securing;
  out.deadline = opening_deadline(now);
  out.secure = true;
}

void smtp_fsm::after_ehlo(milliseconds now, fsm_actions& out) {
  if (!settings_->sign_in.needed()) {
    become_ready(now, out);
    return;
  }
  mechanism_choice choice = choose_mechanisms(settings_->sign_in, offered_, encrypted_, !channel_binding_.empty());
  state_ = fsm_state::signing_in;
  if (!choice.code.empty()) {
    fail_opening(stage::auth, make_outcome(choice.code, choice.why), now, out);
    return;
  }
  mechanisms_ = std::move(choice.mechanisms);
  out.need_credentials = true;
}

void smtp_fsm::become_ready(milliseconds now, fsm_actions& out) {
  state_ = fsm_state::ready;
  stage_began_ = now;
  transcript_.mark();
  out.opened = true;
  if (finishing_) {
    quit(out);
  } else {
    set_deadline(out);
  }
}

stage smtp_fsm::current_stage() const {
  switch (state_) {
    case fsm_state::connecting:
      return stage::tcp;
    case fsm_state::greeting:
      return stage::greeting;
    case fsm_state::ehlo:
    case fsm_state::helo:
      return stage::ehlo;
    case fsm_state::starttls:
      return stage::starttls;
    case fsm_state::securing:
      return stage::tls;
    case fsm_state::signing_in:
      return stage::auth;
    case fsm_state::ready:
    case fsm_state::quitting:
    case fsm_state::over:
      break;
  }
  if (pending_.empty()) return stage::message;
  switch (pending_.front().to) {
    case command::mail:
      return stage::sender;
    case command::rcpt:
      return stage::recipient;
    default:
      return stage::message;
  }
}

void smtp_fsm::on_violation(std::string_view why, milliseconds now, fsm_actions& out) {
  transcript_.note("what came is no SMTP: " + std::string(why));
  if (state_ == fsm_state::greeting) {
    fail_opening(stage::greeting,
                 make_outcome("GREETING_NOT_SMTP", "what answers there does not speak SMTP: " + std::string(why)), now,
                 out);
  } else if (opening()) {
    fail_opening(current_stage(), make_outcome("PROTOCOL_VIOLATION", why), now, out);
  } else {
    const outcome came_to = make_outcome("PROTOCOL_VIOLATION", why);
    if (!transactions_.empty()) report(current_stage(), came_to, {}, now, out);
    lose(came_to, false, out);
    close(out);
  }
}

void smtp_fsm::deadline_passed(milliseconds now, fsm_actions& out) {
  if (state_ == fsm_state::over) return;
  if (opening()) {
    const bool greeting = state_ == fsm_state::greeting;
    if (!greeting && now - began_ >= opening_limit()) {
      fail_opening(current_stage(),
                   make_outcome("COMMAND_TIMEOUT",
                                "the opening of the connection took longer than three times timeouts.command, or than "
                                "timeouts.session"),
                   now, out);
      return;
    }
    fail_opening(current_stage(),
                 make_outcome(greeting ? "GREETING_TIMEOUT" : "COMMAND_TIMEOUT",
                              greeting ? "the server sent no greeting within timeouts.command"
                                       : "the server did not answer within timeouts.command"),
                 now, out);
    return;
  }
  if (state_ == fsm_state::quitting || (pending_.size() == 1 && pending_.front().to == command::quit)) {
    close(out);
    return;
  }
  if (pending_.empty()) {  // idle long enough
    quit(out);
    return;
  }
  transcript_.note("no answer in time");
  const outcome came_to = make_outcome("COMMAND_TIMEOUT", "the server did not answer in time");
  report(current_stage(), came_to, {}, now, out);
  lose(came_to, false, out);
  close(out);
}

void smtp_fsm::lost(std::string_view at, std::string_view code, std::string_view detail, milliseconds now,
                    fsm_actions& out) {
  if (state_ == fsm_state::over) return;
  const bool streams_own = state_ == fsm_state::connecting || state_ == fsm_state::securing;
  const stage where = streams_own && !at.empty() ? stage_of(at) : current_stage();
  outcome why =
      judge_stream_failure(code, detail.empty() && code.empty() ? "the server closed the connection" : detail);
  transcript_.note("the connection is lost: " + why.code + (why.detail.empty() ? "" : " (" + why.detail + ")"));
  if (opening()) {
    fail_opening(where, std::move(why), now, out);
  } else {
    if (!transactions_.empty()) report(where, why, {}, now, out);
    lose(why, why.code == "SERVER_CLOSED", out);
  }
  state_ = fsm_state::over;
  out.close = false;  // there is nothing left to close
  out.deadline.reset();
}

void smtp_fsm::fail_opening(stage at, outcome why, milliseconds now, fsm_actions& out) {
  report(at, why, {}, now, out);
  forget_credentials();
  out.opening_failed = std::move(why);
  close(out);
}

void smtp_fsm::report(stage at, outcome came_to, std::string facts, milliseconds now, fsm_actions& out) {
  if (settings_->step_by_step) {
    const milliseconds took = now - stage_began_;
    out.stages.push_back(
        {at, std::move(came_to), static_cast<std::uint64_t>(took.count() < 0 ? 0 : took.count()), std::move(facts)});
  }
  stage_began_ = now;
}

void smtp_fsm::close(fsm_actions& out) {
  state_ = fsm_state::over;
  pending_.clear();
  out.secure = false;
  out.need_credentials = false;
  out.deadline = milliseconds{0};
  out.close = true;
}

}  // namespace tocsin::smtp
