// The staged diagnosis of an endpoint: one connection, one step at a time, each reported.
#include "plugins/channels/smtp/doctor.hpp"

#include "plugins/channels/smtp/channel.hpp"
#include "plugins/channels/smtp/mime/composer.hpp"
#include "plugins/channels/smtp/protocol/address.hpp"

#include <utility>

namespace tocsin::smtp {
namespace {

std::string_view name_of(security how) {
  switch (how) {
    case security::off:
      return "not encrypted (secure_connection = \"off\")";
    case security::starttls:
      return "STARTTLS";
    case security::implicit:
      break;
  }
  return "implicit TLS";
}

}  // namespace

diagnosis_run::diagnosis_run(const sdk::host_api& host, std::shared_ptr<const open_endpoint> endpoint,
                             const sdk::diagnosis& request)
    : host_(host), endpoint_(std::move(endpoint)), run_(request.run()) {
  prepare(request);
}

// The mail of the diagnosis: as far as the request wants it to go.
void diagnosis_run::prepare(const sdk::diagnosis& request) {
  const auto up_to = [&](extent how_far) {
    mail_ = std::make_unique<outgoing>();
    mail_->sender = endpoint_->settings.sender_path;
    mail_->sender_needs_smtputf8 = endpoint_->settings.sender_needs_smtputf8;
    mail_->goes = how_far;
  };
  if (request.recipient().empty()) {
    up_to(extent::up_to_sender);
    return;
  }
  const address_result recipient = parse_address(request.recipient());
  if (!recipient) {
    recipient_fault_ = shown_address(request.recipient()) + ": " + recipient.why;
    up_to(extent::up_to_sender);
    return;
  }
  if (const auto message = request.message()) {
    tocsin_message copy = message->raw();
    copy.recipient = sdk::to_abi(request.recipient());
    mail_ = make_outgoing(copy, *endpoint_, recipient_fault_);
    return;
  }
  up_to(extent::up_to_recipient);
  mail_->recipient = recipient.value.path();
  mail_->recipient_needs_smtputf8 = recipient.value.needs_smtputf8;
}

void diagnosis_run::report(const sdk::stage& what) {
  if (failed_) return;
  failed_ = !what.ok;
  sdk::report(host_, run_, what);
}

void diagnosis_run::report_settings() {
  const fsm_settings& settings = *endpoint_->settings.dialogue;
  sdk::stage stage;
  stage.name = "settings";
  std::string detail = settings.host + ", port " + std::to_string(settings.port) + ", ";
  detail += name_of(settings.security);
  detail += settings.sign_in.needed() ? ", signing in as " + settings.username : std::string(", without signing in");
  try {
    if (settings.sign_in.needed()) static_cast<void>(password());
  } catch (const sdk::failure& why) {
    stage.ok = false;
    stage.code = "SETTINGS_INVALID";
    detail = std::string("the password cannot be read: ") + why.what();
  }
  stage.detail = detail;
  report(stage);
}

void diagnosis_run::start(stream_service stream, const std::string& client_name) {
  report_settings();
  if (failed_) {
    finish();
    return;
  }
  fsm_settings settings = *endpoint_->settings.dialogue;
  settings.step_by_step = true;
  auto fresh = std::make_shared<session>(host_, stream, shared_from_this(),
                                         std::make_shared<const fsm_settings>(std::move(settings)), client_name);
  {
    const std::lock_guard lock(lock_);
    session_ = fresh;
  }
  fresh->connect(endpoint_->pool->target());
}

outgoing_ptr diagnosis_run::next(session& from) {
  if (mail_ == nullptr) from.tell(session::order::finish);
  return std::move(mail_);
}

void diagnosis_run::completed(session& which, std::vector<completion>& mails) {
  mails.clear();
  if (!recipient_fault_.empty()) {
    sdk::stage stage;
    stage.name = "recipient";
    stage.ok = false;
    stage.code = "RECIPIENT_INVALID";
    stage.detail = recipient_fault_;
    report(stage);
  }
  which.tell(session::order::finish);
}

void diagnosis_run::passed(const tocsin_stream_event& event, const std::string& facts) {
  sdk::stage stage;
  stage.name = sdk::view(event.stage);
  stage.detail = sdk::view(event.detail);
  stage.duration = std::chrono::milliseconds(event.duration_ms);
  stage.facts = facts;
  report(stage);
}

void diagnosis_run::reported(const stage_report& done) {
  if (done.came_to.result == outcome_class::returned) return;  // cut off by us
  sdk::stage stage;
  stage.name = stage_name(done.at);
  stage.ok = done.came_to.code == "OK";
  stage.code = done.came_to.code;
  std::string detail = done.came_to.detail;
  if (!done.came_to.server_reply.empty() && done.came_to.server_reply != detail) {
    if (!detail.empty()) detail += "; ";
    detail += "the server said: " + done.came_to.server_reply;
  }
  stage.detail = detail;
  stage.duration = std::chrono::milliseconds(done.duration_ms);
  stage.facts = done.facts;
  report(stage);
}

std::string diagnosis_run::password() { return reveal_password(host_, endpoint_->settings); }

void diagnosis_run::over(session&) { finish(); }

void diagnosis_run::finish() {
  host_.report_done(run_);
  const std::lock_guard lock(lock_);
  session_.reset();
  over_ = true;
  changed_.notify_all();
}

void diagnosis_run::cut_off() {
  std::shared_ptr<session> present;
  {
    const std::lock_guard lock(lock_);
    present = session_;
  }
  if (present != nullptr) present->tell(session::order::abort);
}

void diagnosis_run::wait() {
  std::unique_lock lock(lock_);
  changed_.wait(lock, [&] { return over_; });
}

bool diagnosis_run::is_over() const {
  const std::lock_guard lock(lock_);
  return over_;
}

}  // namespace tocsin::smtp
