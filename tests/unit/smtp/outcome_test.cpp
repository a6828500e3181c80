// Real servers' replies and what they mean to us.
#include "plugins/channels/smtp/outcome.hpp"

#include "plugins/channels/smtp/protocol/reply_parser.hpp"

#include <gtest/gtest.h>

namespace tocsin::smtp {
namespace {

reply parse(std::string_view line) {
  reply said;
  said.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  said.text = line.size() > 4 ? line.substr(4) : "";
  said.enhanced = find_enhanced_code(said.code, said.text);
  return said;
}

struct real_reply {
  stage at;
  const char* said;
  const char* code;
  outcome_class result;
};

// Who says it stands beside each.
const real_reply table[] = {
    // Postfix
    {stage::greeting, "421 4.3.2 All server ports are busy", "SERVER_SHUTTING_DOWN", outcome_class::transient},
    {stage::greeting, "421 4.7.0 mx.example.org Error: too many connections from 192.0.2.1", "RATE_LIMITED",
     outcome_class::throttled},
    {stage::greeting, "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
     "GREETING_REJECTED", outcome_class::config},
    {stage::ehlo, "504 5.5.2 <host>: Helo command rejected: need fully-qualified hostname", "EHLO_REJECTED",
     outcome_class::transient},
    {stage::ehlo, "550 5.7.1 <host>: Helo command rejected: Access denied", "EHLO_REJECTED", outcome_class::transient},
    {stage::starttls, "454 4.7.0 TLS not available due to local problem", "STARTTLS_REFUSED", outcome_class::config},
    {stage::auth, "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", "AUTH_REJECTED", outcome_class::auth},
    {stage::auth, "454 4.7.0 Temporary authentication failure: Connection lost to authentication server",
     "AUTH_DEFERRED", outcome_class::transient},
    {stage::auth, "503 5.5.1 Error: authentication not enabled", "AUTH_NOT_OFFERED", outcome_class::config},
    {stage::auth, "538 5.7.11 Encryption required for requested authentication mechanism", "AUTH_NEEDS_ENCRYPTION",
     outcome_class::config},
    {stage::sender, "530 5.7.0 Must issue a STARTTLS command first", "AUTH_NEEDS_ENCRYPTION", outcome_class::config},
    {stage::sender, "530 5.7.1 Authentication required", "AUTH_REQUIRED", outcome_class::auth},
    {stage::sender, "452 4.3.1 Insufficient system storage", "SENDER_DEFERRED", outcome_class::transient},
    {stage::sender, "552 5.3.4 Message size exceeds fixed limit", "MESSAGE_TOO_LARGE", outcome_class::permanent},
    {stage::recipient, "553 5.7.1 <a@example.org>: Sender address rejected: not owned by user b", "SENDER_REJECTED",
     outcome_class::config},
    {stage::recipient, "450 4.1.8 <a@nowhere>: Sender address rejected: Domain not found", "SENDER_DEFERRED",
     outcome_class::transient},
    {stage::recipient, "550 5.1.1 <x@example.org>: Recipient address rejected: User unknown in local recipient table",
     "RECIPIENT_REJECTED", outcome_class::permanent},
    {stage::recipient, "554 5.7.1 <x@example.com>: Relay access denied", "RECIPIENT_REJECTED",
     outcome_class::permanent},
    {stage::recipient, "450 4.2.0 <x@example.org>: Recipient address rejected: Greylisted, see http://postgrey",
     "RECIPIENT_DEFERRED", outcome_class::transient},
    {stage::recipient, "450 4.7.1 Error: too much mail from 192.0.2.1", "RATE_LIMITED", outcome_class::throttled},
    {stage::recipient, "452 4.5.3 Error: too many recipients", "RECIPIENT_DEFERRED", outcome_class::transient},
    {stage::recipient, "421 4.7.0 mx.example.org Error: too many errors", "SERVER_SHUTTING_DOWN",
     outcome_class::transient},
    {stage::message, "554 5.5.1 Error: no valid recipients", "MESSAGE_REJECTED", outcome_class::permanent},
    {stage::message, "550 5.7.1 Message content rejected", "MESSAGE_REJECTED", outcome_class::permanent},
    {stage::message, "451 4.3.0 Error: queue file write error", "MESSAGE_DEFERRED", outcome_class::transient},
    {stage::message, "452 4.3.1 Insufficient system storage", "MESSAGE_DEFERRED", outcome_class::transient},
    // Exim
    {stage::recipient, "550 Unrouteable address", "RECIPIENT_REJECTED", outcome_class::permanent},
    {stage::recipient, "550 relay not permitted, authentication required", "AUTH_REQUIRED", outcome_class::auth},
    {stage::recipient, "451 Temporary local problem - please try later", "RECIPIENT_DEFERRED",
     outcome_class::transient},
    {stage::recipient, "550 Sender verify failed", "SENDER_REJECTED", outcome_class::config},
    {stage::auth, "535 Incorrect authentication data", "AUTH_REJECTED", outcome_class::auth},
    {stage::sender, "421 Too many concurrent SMTP connections; please try again later.", "RATE_LIMITED",
     outcome_class::throttled},
    {stage::message, "552 Message size exceeds maximum permitted", "MESSAGE_TOO_LARGE", outcome_class::permanent},
    // Exchange and Microsoft 365
    {stage::sender, "530 5.7.57 Client not authenticated to send mail.", "AUTH_REQUIRED", outcome_class::auth},
    {stage::auth, "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
     "AUTH_REJECTED", outcome_class::auth},
    {stage::auth, "535 5.7.3 Authentication unsuccessful", "AUTH_REJECTED", outcome_class::auth},
    {stage::message, "550 5.7.60 SMTP; Client does not have permissions to send as this sender", "SENDER_REJECTED",
     outcome_class::config},
    {stage::message, "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
     "SENDER_REJECTED", outcome_class::config},
    {stage::recipient, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
     "RECIPIENT_REJECTED", outcome_class::permanent},
    {stage::recipient, "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "RECIPIENT_REJECTED",
     outcome_class::permanent},
    {stage::message, "552 5.3.4 Message size exceeds fixed maximum message size", "MESSAGE_TOO_LARGE",
     outcome_class::permanent},
    {stage::sender, "452 4.3.1 Insufficient system resources (UsedVersionBuckets)", "SENDER_DEFERRED",
     outcome_class::transient},
    {stage::greeting, "421 4.3.2 Service not available", "SERVER_SHUTTING_DOWN", outcome_class::transient},
    {stage::sender, "421 4.4.2 Connection dropped due to SocketError", "SERVER_SHUTTING_DOWN",
     outcome_class::transient},
    // Gmail, without its preset
    {stage::auth, "535 5.7.8 Username and Password not accepted.", "AUTH_REJECTED", outcome_class::auth},
    {stage::auth, "534 5.7.9 Application-specific password required.", "AUTH_APP_PASSWORD_REQUIRED",
     outcome_class::auth},
    {stage::auth, "454 4.7.0 Too many login attempts, please try again later.", "AUTH_DEFERRED",
     outcome_class::transient},
    {stage::sender, "530 5.7.0 Authentication Required.", "AUTH_REQUIRED", outcome_class::auth},
    {stage::sender, "550 5.4.5 Daily user sending limit exceeded.", "QUOTA_EXCEEDED", outcome_class::throttled},
    {stage::recipient, "450 4.2.1 The user you are trying to contact is receiving mail too quickly.",
     "RECIPIENT_DEFERRED", outcome_class::transient},
    {stage::recipient, "452 4.2.2 The email account that you tried to reach is over quota.", "RECIPIENT_DEFERRED",
     outcome_class::transient},
    {stage::recipient, "552 5.2.2 The email account that you tried to reach is over quota.", "RECIPIENT_REJECTED",
     outcome_class::permanent},
    {stage::recipient, "550 5.1.1 The email account that you tried to reach does not exist.", "RECIPIENT_REJECTED",
     outcome_class::permanent},
    {stage::message, "421 4.7.28 Our system has detected an unusual rate of unsolicited mail", "RATE_LIMITED",
     outcome_class::throttled},
    {stage::message, "552 5.7.0 This message was blocked because its content presents a potential security issue.",
     "MESSAGE_REJECTED", outcome_class::permanent},
    {stage::message, "550 5.7.26 Unauthenticated email is not accepted due to domain's DMARC policy.",
     "MESSAGE_REJECTED", outcome_class::permanent},
    // sendmail, Dovecot submission, others
    {stage::auth, "534 5.7.9 Authentication mechanism is too weak", "AUTH_MECHANISM_UNSUPPORTED",
     outcome_class::config},
    {stage::auth, "504 5.5.4 Unrecognized authentication type", "AUTH_MECHANISM_UNSUPPORTED", outcome_class::config},
    {stage::auth, "432 4.7.12 A password transition is needed", "AUTH_REJECTED", outcome_class::auth},
    {stage::sender, "503 5.5.1 Error: nested MAIL command", "PROTOCOL_VIOLATION", outcome_class::transient},
    {stage::sender, "503 AUTH first (#5.5.1)", "AUTH_REQUIRED", outcome_class::auth},
    {stage::recipient, "551 User not local; please try <x@example.net>", "RECIPIENT_REJECTED",
     outcome_class::permanent},
    {stage::message, "552 5.2.2 Mailbox full", "RECIPIENT_REJECTED", outcome_class::permanent},
    {stage::message, "452 4.2.2 Mailbox full", "RECIPIENT_DEFERRED", outcome_class::transient},
};

TEST(Outcome, RealRepliesMeanWhatTheyMean) {
  for (const real_reply& one : table) {
    const outcome judged = judge_reply(one.at, parse(one.said), {});
    EXPECT_EQ(judged.code, one.code) << one.said;
    EXPECT_EQ(judged.result, one.result) << one.said;
    EXPECT_EQ(judged.server_reply, one.said);
  }
}

TEST(Outcome, AReplyThatIsGoodButNotDueIsAViolation) {
  EXPECT_EQ(judge_reply(stage::greeting, parse("250 ok"), {}).code, "PROTOCOL_VIOLATION");
  EXPECT_EQ(judge_reply(stage::message, parse("250 ok"), {}).code, "PROTOCOL_VIOLATION");
  EXPECT_EQ(judge_reply(stage::auth, parse("334 "), {}).result, outcome_class::transient);
}

TEST(Outcome, ThePresetGoesFirst) {
  std::vector<preset_reply> preset(2);
  preset[0].code = 550;
  preset[0].enhanced = "5.4.5";
  preset[0].outcome = "QUOTA_EXCEEDED";
  preset[0].result = outcome_class::throttled;
  preset[0].retry_after_ms = 3600000;
  preset[0].remedy = "Wait until tomorrow.";
  preset[1].contains = "BAD CREDENTIALS";
  preset[1].outcome = "AUTH_REJECTED";
  preset[1].result = outcome_class::auth;
  const outcome quota = judge_reply(stage::recipient, parse("550 5.4.5 no more today"), preset);
  EXPECT_EQ(quota.code, "QUOTA_EXCEEDED");
  EXPECT_EQ(quota.result, outcome_class::throttled);
  EXPECT_EQ(quota.retry_after_ms, 3600000);
  EXPECT_EQ(quota.detail, "Wait until tomorrow.");
  EXPECT_EQ(judge_reply(stage::auth, parse("454 bad credentials"), preset).code, "AUTH_REJECTED");
  EXPECT_EQ(judge_reply(stage::recipient, parse("550 5.1.1 unknown"), preset).code, "RECIPIENT_REJECTED");
}

TEST(Outcome, ClassesOfStreamCodesAreTheContracts) {
  for (const char* code : {"DNS_NOT_FOUND", "DNS_FAILED", "DNS_TIMEOUT", "TCP_REFUSED", "TCP_TIMEOUT",
                           "TCP_UNREACHABLE", "TLS_HANDSHAKE_FAILED", "TLS_VERSION_UNSUPPORTED", "TLS_NOT_SPOKEN",
                           "REVOCATION_UNKNOWN", "SERVER_CLOSED", "COMMAND_TIMEOUT", "SOMETHING_NEW"}) {
    EXPECT_EQ(judge_stream_failure(code, "").result, outcome_class::transient) << code;
  }
  for (const char* code : {"CERT_EXPIRED", "CERT_NOT_YET_VALID", "CERT_SELF_SIGNED", "CERT_UNKNOWN_ISSUER",
                           "CERT_NAME_MISMATCH", "CERT_UNSUITABLE", "CERT_PIN_MISMATCH", "CERT_REVOKED",
                           "STARTTLS_INJECTION", "STARTTLS_REFUSED", "STARTTLS_NOT_OFFERED", "GREETING_REJECTED"}) {
    EXPECT_EQ(judge_stream_failure(code, "").result, outcome_class::config) << code;
  }
}

TEST(Outcome, TheSendersRateIsAThrottleAndTheRecipientsIsNot) {
  const real_reply rates[] = {
      {stage::sender, "550 5.7.1 Your account has exceeded its sending rate", "RATE_LIMITED", outcome_class::throttled},
      {stage::recipient, "554 5.7.1 <a@example.org>: Sender address rejected: sending rate exceeded", "RATE_LIMITED",
       outcome_class::throttled},
      {stage::message, "550 Too many messages from this account, slow down", "RATE_LIMITED", outcome_class::throttled},
      {stage::message, "550 5.7.1 An unusual rate of unsolicited mail originates from your address", "RATE_LIMITED",
       outcome_class::throttled},
      {stage::recipient, "451 4.7.1 receiving rate of this mailbox exceeded", "RECIPIENT_DEFERRED",
       outcome_class::transient},
      {stage::message, "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents more",
       "RECIPIENT_DEFERRED", outcome_class::transient},
      {stage::message, "452 4.2.122 The recipient has exceeded their limit for messages they can receive per hour",
       "RECIPIENT_DEFERRED", outcome_class::transient},
      {stage::recipient, "421 4.2.1 The user you are trying to contact is receiving mail too quickly; rate limit",
       "RECIPIENT_DEFERRED", outcome_class::transient},
      {stage::message, "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents more",
       "RECIPIENT_REJECTED", outcome_class::permanent},
  };
  for (const real_reply& one : rates) {
    const outcome judged = judge_reply(one.at, parse(one.said), {});
    EXPECT_EQ(judged.code, one.code) << one.said;
    EXPECT_EQ(judged.result, one.result) << one.said;
  }
}

}  // namespace
}  // namespace tocsin::smtp
