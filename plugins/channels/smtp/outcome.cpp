// Outcome policy: what a server's reply or a connection's failure means.
#include "plugins/channels/smtp/outcome.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace tocsin::smtp {
namespace {

constexpr std::array<std::string_view, 13> stage_names = {"settings", "dns",       "tcp",         "greeting",   "ehlo",
                                                          "starttls", "tls",       "certificate", "revocation", "auth",
                                                          "sender",   "recipient", "message"};

// Codes whose class is not transient; CERT_* and STARTTLS_* are settings.
constexpr std::pair<std::string_view, outcome_class> classes[] = {
    {"OK", outcome_class::delivered},
    {"SETTINGS_INVALID", outcome_class::config},
    {"GREETING_REJECTED", outcome_class::config},
    {"AUTH_NOT_OFFERED", outcome_class::config},
    {"AUTH_MECHANISM_UNSUPPORTED", outcome_class::config},
    {"AUTH_NEEDS_ENCRYPTION", outcome_class::config},
    {"AUTH_REJECTED", outcome_class::auth},
    {"AUTH_APP_PASSWORD_REQUIRED", outcome_class::auth},
    {"AUTH_SERVER_UNVERIFIED", outcome_class::auth},
    {"AUTH_REQUIRED", outcome_class::auth},
    {"SENDER_REJECTED", outcome_class::config},
    {"RECIPIENT_REJECTED", outcome_class::permanent},
    {"RECIPIENT_INVALID", outcome_class::permanent},
    {"MESSAGE_REJECTED", outcome_class::permanent},
    {"MESSAGE_TOO_LARGE", outcome_class::permanent},
    {"RATE_LIMITED", outcome_class::throttled},
    {"QUOTA_EXCEEDED", outcome_class::throttled},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains(std::string_view text, std::string_view wanted) {
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> wanted) {
  return std::any_of(wanted.begin(), wanted.end(), [&](std::string_view one) { return contains(text, one); });
}

bool is_any(std::string_view value, std::initializer_list<std::string_view> wanted) {
  return std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

// "1.8" of "5.1.8": what it is about, whether it lasts or not.
std::string_view subject_of(const reply& said) {
  return said.enhanced.size() > 2 ? std::string_view{said.enhanced}.substr(2) : std::string_view{};
}

bool is_about_rate(const reply& said) {
  return contains_any(said.text, {"rate limit", "rate-limit", "ratelimit", "sending rate", "unusual rate",
                                  "too many connections", "too many concurrent", "too many messages", "too many recent",
                                  "too many emails", "too much mail", "too fast", "throttl", "connection rate",
                                  "message rate", "exceeded the rate", "exceeded rate", "messages per"});
}

// A mailbox that gets mail faster than its server likes says nothing of how fast this account may send.
bool is_about_recipients_rate(const reply& said) {
  return is_any(subject_of(said), {"2.121", "2.122"}) ||
         contains_any(said.text, {"receiving rate", "receiving mail too", "receiving mail at a rate",
                                  "receiving too many", "receiving too much", "receive limit", "they can receive"});
}

bool is_about_mailbox_full(const reply& said) {
  return subject_of(said) == "2.2" ||
         contains_any(said.text, {"mailbox full", "mailbox is full", "mailbox size limit", "over quota",
                                  "quota exceeded", "exceeds quota", "out of storage", "insufficient disk quota"});
}

bool is_about_size(const reply& said) {
  return is_any(subject_of(said), {"3.4", "2.3"}) ||
         contains_any(said.text, {"message size exceeds", "message too large", "message too big",
                                  "message is too large", "maximum message size", "max message size",
                                  "exceeds fixed limit", "exceeds size limit", "exceeded storage allocation"});
}

bool is_about_sending_quota(const reply& said) {
  return contains_any(said.text, {"sending quota", "sending limit", "daily limit", "hourly limit", "message quota",
                                  "quota of messages", "submission quota", "daily message"});
}

bool is_about_sender(const reply& said) {
  return is_any(subject_of(said), {"1.7", "1.8", "7.60"}) ||
         contains_any(said.text,
                      {"sender address rejected", "send as this sender", "sendasdenied", "sender address not allowed",
                       "not owned by user", "sender rejected", "sender verify failed"});
}

bool is_about_missing_sign_in(const reply& said) {
  return is_any(subject_of(said), {"7.57"}) ||
         contains_any(said.text,
                      {"authentication required", "authentication is required", "must authenticate", "auth first",
                       "not authenticated", "log in first", "smtp auth is required", "authenticate first"});
}

bool is_about_missing_tls(const reply& said) {
  return subject_of(said) == "7.11" ||
         contains_any(said.text, {"starttls first", "issue a starttls", "encryption required", "tls required",
                                  "require tls", "starttls command first", "must use tls"});
}

std::string_view judge_421(stage at, const reply& said) {
  if (at >= stage::recipient && is_about_recipients_rate(said)) return "RECIPIENT_DEFERRED";
  return is_about_rate(said) || is_any(subject_of(said), {"7.28", "4.5"}) ? "RATE_LIMITED" : "SERVER_SHUTTING_DOWN";
}

std::string_view judge_auth(const reply& said) {
  if (said.code == 538 || is_about_missing_tls(said)) return "AUTH_NEEDS_ENCRYPTION";
  if (said.temporary()) return said.code == 432 ? "AUTH_REJECTED" : "AUTH_DEFERRED";
  switch (said.code) {
    case 500:
    case 502:
    case 503:
      return "AUTH_NOT_OFFERED";
    case 504:
      return "AUTH_MECHANISM_UNSUPPORTED";
    case 530:
      return "AUTH_NEEDS_ENCRYPTION";
    case 534:  // RFC 4954 means a weak mechanism by it; Google, and others after it, an application password
      if (contains_any(said.text, {"too weak", "weaker mechanism"})) return "AUTH_MECHANISM_UNSUPPORTED";
      return said.enhanced == "5.7.9" || contains_any(said.text, {"application-specific", "app password"})
                 ? "AUTH_APP_PASSWORD_REQUIRED"
                 : "AUTH_REJECTED";
    default:
      return "AUTH_REJECTED";
  }
}

// What may come at sender, recipient or message alike: servers put many checks off until RCPT or the end of the data.
// Empty: nothing of the kind.
std::string_view judge_transaction(const reply& said) {
  if (said.code == 530) return is_about_missing_tls(said) ? "AUTH_NEEDS_ENCRYPTION" : "AUTH_REQUIRED";
  if (is_about_missing_sign_in(said) && !said.temporary()) return "AUTH_REQUIRED";
  if (is_about_recipients_rate(said)) return said.temporary() ? "RECIPIENT_DEFERRED" : "RECIPIENT_REJECTED";
  if (is_about_sending_quota(said)) return "QUOTA_EXCEEDED";
  // Some servers say "too fast" with a code that lasts (5xx). No mail is refused for good by it: it is not at fault.
  if (is_about_rate(said)) return "RATE_LIMITED";
  if (is_about_sender(said)) return said.temporary() ? "SENDER_DEFERRED" : "SENDER_REJECTED";
  if (said.code == 503) return "PROTOCOL_VIOLATION";  // it lost its place in the dialogue
  return {};
}

std::string_view judge_code(stage at, const reply& said) {
  if (said.code < 400) return "PROTOCOL_VIOLATION";  // good, but not the one that was due
  if (said.code == 421) return judge_421(at, said);
  switch (at) {
    case stage::greeting:
      if (said.temporary()) return is_about_rate(said) ? "RATE_LIMITED" : "SERVER_SHUTTING_DOWN";
      return "GREETING_REJECTED";
    case stage::ehlo:
      return "EHLO_REJECTED";
    case stage::starttls:
      return "STARTTLS_REFUSED";
    case stage::auth:
      return judge_auth(said);
    default:
      break;
  }
  if (const std::string_view code = judge_transaction(said); !code.empty()) return code;
  if (at == stage::sender) {
    if (!said.temporary() && (subject_of(said) == "3.4" || (said.code == 552 && is_about_size(said)))) {
      return "MESSAGE_TOO_LARGE";
    }
    return said.temporary() ? "SENDER_DEFERRED" : "SENDER_REJECTED";
  }
  if (at == stage::recipient) {
    if (!said.temporary() && subject_of(said) == "3.4") return "MESSAGE_TOO_LARGE";
    return said.temporary() ? "RECIPIENT_DEFERRED" : "RECIPIENT_REJECTED";
  }
  // The mailbox before the size: both come as 552, the enhanced code tells them apart.
  if (is_about_mailbox_full(said)) return said.temporary() ? "RECIPIENT_DEFERRED" : "RECIPIENT_REJECTED";
  if (!said.temporary() && (is_about_size(said) || (said.code == 552 && said.enhanced.empty())))
    return "MESSAGE_TOO_LARGE";
  return said.temporary() ? "MESSAGE_DEFERRED" : "MESSAGE_REJECTED";
}

bool matches(const preset_reply& entry, stage at, const reply& said) {
  return (!entry.at || *entry.at == at) && (entry.code == 0 || entry.code == said.code) &&
         (entry.enhanced.empty() || entry.enhanced == said.enhanced) &&
         (entry.contains.empty() || contains(said.text, entry.contains));
}

}  // namespace

std::string_view stage_name(stage at) { return stage_names[static_cast<std::size_t>(at)]; }

stage stage_of(std::string_view name) {
  const auto found = std::find(stage_names.begin(), stage_names.end(), name);
  return found == stage_names.end() ? stage::tcp : static_cast<stage>(found - stage_names.begin());
}

outcome_class class_of(std::string_view code) {
  for (const auto& [known, result] : classes) {
    if (known == code) return result;
  }
  if (code.starts_with("CERT_") || code.starts_with("STARTTLS_")) return outcome_class::config;
  return outcome_class::transient;
}

outcome judge_reply(stage at, const reply& said, const std::vector<preset_reply>& preset) {
  outcome made;
  made.server_reply = said.to_line();
  if (said.code >= 400) {
    for (const preset_reply& entry : preset) {
      if (!matches(entry, at, said)) continue;
      made.code = entry.outcome;
      made.result = entry.result;
      made.retry_after_ms = entry.retry_after_ms;
      made.detail = entry.remedy;
      return made;
    }
  }
  made.code = judge_code(at, said);
  made.result = class_of(made.code);
  if (made.code == "PROTOCOL_VIOLATION") {
    made.detail = "the server answered " + std::to_string(said.code) + " at the stage " + std::string(stage_name(at)) +
                  ", where that reply has no meaning";
  }
  return made;
}

outcome judge_stream_failure(std::string_view code, std::string_view detail) {
  return make_outcome(code.empty() ? "SERVER_CLOSED" : code, detail);
}

outcome make_outcome(std::string_view code, std::string_view detail) {
  outcome made;
  made.code = code;
  made.result = class_of(code);
  made.detail = detail;
  return made;
}

outcome make_uncertain(outcome why) {
  why.result = outcome_class::uncertain;
  return why;
}

}  // namespace tocsin::smtp
