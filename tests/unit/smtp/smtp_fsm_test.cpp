// Dialogues of the state machine, without a socket.
#include "tests/unit/smtp/dialogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>

namespace tocsin::smtp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string data = "Subject: x\r\n\r\nhello\r\n.\r\n";

void open_plain(dialogue& with, const char* ehlo = ehlo_plain) {
  with.connect();
  with.server("220 mx.example.org ESMTP\r\n");
  with.server(ehlo);
  with.wrote();
}

TEST(SmtpFsm, SendsOneMailStepByStepWithoutPipelining) {
  dialogue with;
  with.queue(make_mail(1));
  with.connect();
  EXPECT_EQ(with.wrote(), "");
  with.server("220 mx.example.org ESMTP\r\n");
  EXPECT_EQ(with.wrote(), "EHLO [127.0.0.1]\r\n");
  with.server(ehlo_plain);
  EXPECT_EQ(with.times_opened, 1);
  EXPECT_EQ(with.wrote(), "MAIL FROM:<noreply@example.org>\r\n");
  with.server("250 ok\r\n");
  EXPECT_EQ(with.wrote(), "RCPT TO:<r1@example.org>\r\n");
  with.server("250 ok\r\n");
  EXPECT_EQ(with.wrote(), "DATA\r\n");
  with.server("354 go\r\n");
  EXPECT_EQ(with.wrote(), data);
  with.server("250 2.0.0 Ok: queued as 1\r\n");
  ASSERT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.done[0].came_to.result, outcome_class::delivered);
  EXPECT_EQ(with.done[0].came_to.code, "OK");
  EXPECT_EQ(with.done[0].came_to.server_reply, "250 2.0.0 Ok: queued as 1");
  EXPECT_FALSE(with.closed);
  EXPECT_EQ(with.wrote(), "");
}

TEST(SmtpFsm, PipelinesTheEnvelopeAndTheNextOneBehindTheData) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.queue(make_mail(2));
  const std::string size = " SIZE=" + std::to_string(data.size());
  const std::string first = "MAIL FROM:<noreply@example.org>" + size + "\r\nRCPT TO:<r1@example.org>\r\nDATA\r\n";
  const std::string second = "MAIL FROM:<noreply@example.org>" + size + "\r\nRCPT TO:<r2@example.org>\r\nDATA\r\n";
  EXPECT_EQ(with.wrote(), first);
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  EXPECT_EQ(with.wrote(), data + second);
  with.server("250 queued 1\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  ASSERT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.done[0].number, 1U);
  EXPECT_EQ(with.wrote(), data);
  with.server("250 queued 2\r\n");
  ASSERT_EQ(with.done.size(), 2U);
  EXPECT_EQ(with.done[1].came_to.server_reply, "250 queued 2");
}

TEST(SmtpFsm, AMailThatComesWhileTheAnswerIsDueFollowsAtOnce) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  with.wrote();
  with.queue(make_mail(2));
  EXPECT_THAT(with.wrote(), HasSubstr("RCPT TO:<r2@example.org>"));
}

TEST(SmtpFsm, ARefusedRecipientIsThatMailsAlone) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.queue(make_mail(2));
  with.wrote();
  with.server("250 ok\r\n550 5.1.1 unknown\r\n554 5.5.1 no valid recipients\r\n");
  ASSERT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.done[0].came_to.code, "RECIPIENT_REJECTED");
  EXPECT_EQ(with.done[0].came_to.server_reply, "550 5.1.1 unknown");
  const std::string next = with.wrote();
  EXPECT_TRUE(next.starts_with("RSET\r\nMAIL FROM:")) << next;
  with.server("250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n");
  with.server("250 queued\r\n");
  ASSERT_EQ(with.done.size(), 2U);
  EXPECT_EQ(with.done[1].came_to.result, outcome_class::delivered);
}

TEST(SmtpFsm, DefersOnlyTheRecipientThatGot451) {
  dialogue with;
  open_plain(with);
  with.queue(make_mail(1));
  with.queue(make_mail(2));
  with.server("250 ok\r\n");
  with.server("451 4.7.1 Greylisted\r\n");
  ASSERT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.done[0].came_to.code, "RECIPIENT_DEFERRED");
  EXPECT_THAT(with.wrote(), HasSubstr("RSET\r\n"));
  with.server("250 reset\r\n");
  for (const char* line : {"250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 queued\r\n"}) with.server(line);
  ASSERT_EQ(with.done.size(), 2U);
  EXPECT_EQ(with.done[1].came_to.result, outcome_class::delivered);
}

TEST(SmtpFsm, DataForNobodyIsAnEmptyMessage) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.wrote();
  with.server("250 ok\r\n550 no\r\n354 go on then\r\n");
  EXPECT_EQ(with.wrote(), ".\r\n");
  EXPECT_TRUE(with.done.empty());
  with.server("250 took it, whatever it was\r\n");
  ASSERT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.done[0].came_to.code, "RECIPIENT_REJECTED");
}

TEST(SmtpFsm, ARefusedSenderNeedsNoReset) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.wrote();
  with.server("553 5.7.1 not your address\r\n503 5.5.1 need MAIL\r\n503 5.5.1 need RCPT\r\n");
  ASSERT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.done[0].came_to.code, "SENDER_REJECTED");
  EXPECT_EQ(with.done[0].came_to.result, outcome_class::config);
  EXPECT_EQ(with.wrote(), "");
}

TEST(SmtpFsm, ARefusedMailGetsItsOwnReply) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  with.server("550 5.7.1 content rejected\r\n");
  ASSERT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.done[0].came_to.code, "MESSAGE_REJECTED");
  EXPECT_FALSE(with.closed);
}

TEST(SmtpFsm, RequiresStarttlsAndForgetsWhatWasOfferedBefore) {
  dialogue with(dialogue::with_sign_in());
  with.queue(make_mail(1));
  with.connect();
  with.server("220 mx\r\n");
  with.wrote();
  with.server("250-mx\r\n250-STARTTLS\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n");
  EXPECT_EQ(with.wrote(), "STARTTLS\r\n");
  with.server("220 go\r\n");
  EXPECT_TRUE(with.secure_wanted);
  EXPECT_EQ(with.wrote(), "");
  with.secured();
  EXPECT_EQ(with.wrote(), "EHLO [127.0.0.1]\r\n");
  with.server("250-mx\r\n250 AUTH LOGIN\r\n");  // neither PLAIN nor PIPELINING any more
  EXPECT_EQ(with.wrote(), "AUTH LOGIN\r\n");
  with.server("334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(with.wrote(), "dXNlcg==\r\n");
  with.server("334 UGFzc3dvcmQ6\r\n");
  EXPECT_EQ(with.wrote(), "c2VjcmV0\r\n");
  with.server("235 2.7.0 welcome\r\n");
  EXPECT_EQ(with.wrote(), "MAIL FROM:<noreply@example.org>\r\n");
}

TEST(SmtpFsm, AStrippedStarttlsEndsTheAttempt) {
  dialogue with(dialogue::with_sign_in());
  with.queue(make_mail(1));
  with.connect();
  with.server("220 mx\r\n");
  with.server("250-mx\r\n250 AUTH PLAIN\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "STARTTLS_NOT_OFFERED");
  EXPECT_TRUE(with.closed);
  EXPECT_EQ(with.all_written, "EHLO [127.0.0.1]\r\n");
}

TEST(SmtpFsm, ARefusedStarttlsEndsTheAttempt) {
  dialogue with(dialogue::with_starttls());
  with.connect();
  with.server("220 mx\r\n");
  with.server(ehlo_starttls);
  with.server("454 4.7.0 TLS not available\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "STARTTLS_REFUSED");
}

TEST(SmtpFsm, BytesWithTheAnswerToStarttlsAreAnInjection) {
  dialogue with(dialogue::with_starttls());
  with.connect();
  with.server("220 mx\r\n");
  with.server(ehlo_starttls);
  with.server("220 go\r\n250 injected\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "STARTTLS_INJECTION");
  EXPECT_FALSE(with.secure_wanted);
}

TEST(SmtpFsm, BytesBehindEhloBeforeStarttlsAreAnInjection) {
  dialogue with(dialogue::with_starttls());
  with.connect();
  with.server("220 mx\r\n");
  with.server(std::string(ehlo_starttls) + "220 go\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "STARTTLS_INJECTION");
}

TEST(SmtpFsm, ATalkerBeforeEhloIsAViolation) {
  dialogue with;
  with.connect();
  with.server("220 mx\r\n250 hello\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "PROTOCOL_VIOLATION");
}

TEST(SmtpFsm, WhatGreetsWithoutSmtpIsToldApart) {
  dialogue with;
  with.connect();
  with.server("HTTP/1.0 400 Bad Request\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "GREETING_NOT_SMTP");
  EXPECT_EQ(with.opening_failed->result, outcome_class::transient);
}

TEST(SmtpFsm, AGreetingThatRefusesPausesTheEndpoint) {
  dialogue with;
  with.connect();
  with.server("554 5.7.1 go away\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "GREETING_REJECTED");
  EXPECT_EQ(with.opening_failed->result, outcome_class::config);
}

TEST(SmtpFsm, SaysHeloOnlyWhereNeitherTlsNorSignInIsNeeded) {
  dialogue plain;
  plain.connect();
  plain.server("220 mx\r\n");
  plain.wrote();
  plain.server("500 what?\r\n");
  EXPECT_EQ(plain.wrote(), "HELO [127.0.0.1]\r\n");
  plain.server("250 hello\r\n");
  EXPECT_EQ(plain.times_opened, 1);

  for (fsm_settings settings : {dialogue::with_starttls(), dialogue::with_sign_in()}) {
    if (settings.sign_in.has_username) settings.security = security::off;
    dialogue with(settings);
    with.connect();
    with.server("220 mx\r\n");
    with.server("500 what?\r\n");
    ASSERT_TRUE(with.opening_failed);
    EXPECT_EQ(with.opening_failed->code, "EHLO_REJECTED");
    EXPECT_EQ(with.opening_failed->result, outcome_class::transient);
  }
}

TEST(SmtpFsm, PasswordsStayOutOfTheDialogue) {
  dialogue with(dialogue::with_sign_in());
  with.connect();
  with.server("220 mx\r\n");
  with.server(ehlo_starttls);
  with.server("220 go\r\n");
  with.secured();
  with.server(ehlo_secured);
  EXPECT_THAT(with.all_written, HasSubstr("AUTH PLAIN AHVzZXIAc2VjcmV0"));
  EXPECT_THAT(with.fsm.dialogue(), HasSubstr("AUTH PLAIN ***"));
  EXPECT_THAT(with.fsm.dialogue(), Not(HasSubstr("AHVzZXIAc2VjcmV0")));
  with.server("535 5.7.8 no\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "AUTH_REJECTED");
  EXPECT_EQ(with.opening_failed->result, outcome_class::auth);
}

TEST(SmtpFsm, AnUnreadablePasswordIsAFaultOfTheSettings) {
  dialogue with(dialogue::with_sign_in());
  with.password_fails = true;
  with.connect();
  with.server("220 mx\r\n");
  with.server(ehlo_starttls);
  with.server("220 go\r\n");
  with.secured();
  with.server(ehlo_secured);
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "SETTINGS_INVALID");
  EXPECT_EQ(with.opening_failed->result, outcome_class::config);
}

TEST(SmtpFsm, NoPasswordGoesInClear) {
  fsm_settings settings = dialogue::with_sign_in();
  settings.security = security::off;
  dialogue with(settings);
  with.connect();
  with.server("220 mx\r\n");
  with.server("250-mx\r\n250 AUTH PLAIN LOGIN\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "AUTH_NEEDS_ENCRYPTION");
  EXPECT_EQ(with.all_written, "EHLO [127.0.0.1]\r\n");
}

TEST(SmtpFsm, AMailThatIsTooLargeIsNotOffered) {
  dialogue with;
  open_plain(with, "250-mx\r\n250 SIZE 10\r\n");
  with.queue(make_mail(1));
  ASSERT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.done[0].came_to.code, "MESSAGE_TOO_LARGE");
  EXPECT_EQ(with.done[0].came_to.result, outcome_class::permanent);
  EXPECT_EQ(with.wrote(), "");
}

TEST(SmtpFsm, Smtputf8IsUsedOnlyWhereItIsNeededAndOffered) {
  dialogue without;
  open_plain(without);
  auto mail = make_mail(1);
  mail->recipient_needs_smtputf8 = true;
  without.queue(std::move(mail));
  ASSERT_EQ(without.done.size(), 1U);
  EXPECT_EQ(without.done[0].came_to.code, "RECIPIENT_INVALID");

  dialogue with;
  open_plain(with, "250-mx\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n");
  with.queue(make_mail(2));
  EXPECT_THAT(with.wrote(), Not(HasSubstr("SMTPUTF8")));
  for (const char* line : {"250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 ok\r\n"}) with.server(line);
  with.wrote();
  mail = make_mail(3);
  mail->recipient_needs_smtputf8 = true;
  with.queue(std::move(mail));
  EXPECT_EQ(with.wrote(), "MAIL FROM:<noreply@example.org> SMTPUTF8 BODY=8BITMIME\r\n");
}

TEST(SmtpFsm, LongDataGoesInBlocks) {
  std::string large(600000, 'x');
  large += "\r\n.\r\n";
  dialogue with;
  open_plain(with, "250-mx\r\n250 PIPELINING\r\n");
  with.queue(make_mail(1, large));
  with.queue(make_mail(2));
  with.wrote();
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  EXPECT_EQ(with.deadline_set, milliseconds{180000});
  std::string sent = with.wrote();
  EXPECT_LT(sent.size(), large.size());
  with.written();
  EXPECT_EQ(with.fsm.in_flight(), 1U) << "the next envelope must wait for the end of the data";
  with.written();
  sent += with.wrote();
  EXPECT_TRUE(sent.starts_with(large));
  EXPECT_THAT(sent.substr(large.size()), HasSubstr("MAIL FROM:"));
  EXPECT_EQ(with.deadline_set, milliseconds{600000});
}

TEST(SmtpFsm, ALimitOfMailsEndsWithQuitBehindTheLastOne) {
  fsm_settings settings = dialogue::plain();
  settings.messages_per_connection = 1;
  dialogue with(settings);
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.queue(make_mail(2));
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  EXPECT_TRUE(with.wrote().ends_with(data + "QUIT\r\n"));
  with.server("250 queued\r\n221 bye\r\n");
  EXPECT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.waiting.size(), 1U);
  EXPECT_TRUE(with.closed);
}

TEST(SmtpFsm, AnOldConnectionTakesNoFurtherMail) {
  fsm_settings settings = dialogue::plain();
  settings.session_timeout = milliseconds{1000};
  dialogue with(settings);
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.now = milliseconds{2000};
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  with.wrote();
  with.server("250 queued\r\n");
  EXPECT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.wrote(), "QUIT\r\n");
}

TEST(SmtpFsm, AnIdleConnectionSaysGoodbye) {
  dialogue with;
  open_plain(with);
  EXPECT_EQ(with.deadline_set, milliseconds{60000});
  with.deadline();
  EXPECT_EQ(with.wrote(), "QUIT\r\n");
  EXPECT_EQ(with.deadline_set, milliseconds{5000});
  with.deadline();
  EXPECT_TRUE(with.closed);
}

TEST(SmtpFsm, AnUnaskedReplyToAnIdleConnectionEndsIt) {
  for (const char* line : {"421 4.4.2 idle too long\r\n", "250 what?\r\n", "garbage\r\n"}) {
    dialogue with;
    open_plain(with);
    with.server(line);
    EXPECT_TRUE(with.closed) << line;
    EXPECT_TRUE(with.done.empty());
  }
}

TEST(SmtpFsm, AUsedConnectionFoundDeadIsNoAttempt) {
  for (const bool by_421 : {false, true}) {
    dialogue with;
    open_plain(with, ehlo_pipelining);
    with.queue(make_mail(1));
    with.server("250 ok\r\n250 ok\r\n354 go\r\n");
    with.server("250 queued\r\n");
    with.queue(make_mail(2));
    if (by_421) {
      with.server("421 4.4.2 timeout\r\n");
    } else {
      with.drop();
    }
    ASSERT_EQ(with.done.size(), 2U);
    EXPECT_TRUE(with.done[1].replaceable);
    EXPECT_NE(with.done[1].came_to.result, outcome_class::delivered);
  }
}

TEST(SmtpFsm, AFreshConnectionThatDiesIsAnAttempt) {
  dialogue with;
  open_plain(with);
  with.queue(make_mail(1));
  with.drop();
  ASSERT_EQ(with.done.size(), 1U);
  EXPECT_FALSE(with.done[0].replaceable);
  EXPECT_EQ(with.done[0].came_to.code, "SERVER_CLOSED");
  EXPECT_EQ(with.done[0].came_to.result, outcome_class::transient);
}

TEST(SmtpFsm, LostBetweenTheFinalDotAndItsAnswerIsUncertain) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.queue(make_mail(2));
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  with.drop();
  ASSERT_EQ(with.done.size(), 2U);
  EXPECT_EQ(with.done[0].came_to.result, outcome_class::uncertain);
  EXPECT_EQ(with.done[0].came_to.code, "SERVER_CLOSED");
  EXPECT_TRUE(with.done[1].replaceable);
}

TEST(SmtpFsm, AbortReturnsWhatWasNotSentAndDoubtsWhatWas) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.queue(make_mail(2));
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  with.abort();
  ASSERT_EQ(with.done.size(), 2U);
  EXPECT_EQ(with.done[0].came_to.result, outcome_class::uncertain);
  EXPECT_EQ(with.done[1].came_to.result, outcome_class::returned);
  EXPECT_TRUE(with.closed);
}

TEST(SmtpFsm, FinishWaitsForWhatIsUnderWay) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.finish();
  with.queue(make_mail(2));
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  with.wrote();
  with.server("250 queued\r\n");
  EXPECT_EQ(with.done.size(), 1U);
  EXPECT_EQ(with.wrote(), "QUIT\r\n");
  with.server("221 bye\r\n");
  EXPECT_TRUE(with.closed);
}

TEST(SmtpFsm, EachPhaseHasItsDeadline) {
  fsm_settings settings = dialogue::plain();
  settings.command_timeout = milliseconds{1};
  settings.data_start_timeout = milliseconds{2};
  settings.data_end_timeout = milliseconds{3};
  dialogue with(settings);
  with.connect();
  EXPECT_EQ(with.deadline_set, milliseconds{1});
  with.server("220 mx\r\n");
  with.queue(make_mail(1));
  with.server(ehlo_plain);
  with.server("250 ok\r\n");
  EXPECT_EQ(with.deadline_set, milliseconds{1});
  with.server("250 ok\r\n");
  EXPECT_EQ(with.deadline_set, milliseconds{2});
  with.server("354 go\r\n");
  EXPECT_EQ(with.deadline_set, milliseconds{3});
  // A part of an answer is none: it buys no time.
  with.deadline_set.reset();
  with.server("250-still ");
  EXPECT_FALSE(with.deadline_set);
}

TEST(SmtpFsm, ADiagnosisReportsEachStageAndSendsNothing) {
  fsm_settings settings = dialogue::with_sign_in();
  settings.step_by_step = true;
  dialogue with(settings);
  auto probe = make_mail(1, "");
  probe->goes = extent::up_to_recipient;
  with.queue(std::move(probe));
  with.connect();
  with.server("220 mx\r\n");
  with.server(ehlo_starttls);
  with.server("220 go\r\n");
  with.secured();
  with.server(ehlo_secured);
  with.server("235 ok\r\n");
  with.server("250 ok\r\n");
  with.server("250 ok\r\n");
  with.finish();
  with.server("250 reset\r\n");
  with.server("221 bye\r\n");
  std::vector<std::string> names;
  for (const stage_report& one : with.stages) names.push_back(std::string(stage_name(one.at)) + " " + one.came_to.code);
  EXPECT_EQ(names, (std::vector<std::string>{"greeting OK", "ehlo OK", "starttls OK", "auth OK", "sender OK",
                                             "recipient OK"}));
  EXPECT_THAT(with.all_written, Not(HasSubstr("DATA")));
  EXPECT_THAT(with.all_written, HasSubstr("RSET\r\nQUIT\r\n"));
}

// Opens a connection, has one mail delivered over it, and begins another.
void begin_on_used_connection(dialogue& with) {
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.server("250 ok\r\n250 ok\r\n354 go\r\n");
  with.server("250 queued\r\n");
  with.queue(make_mail(2));
}

TEST(SmtpFsm, AUsedConnectionThatFailsOtherwiseThanByItsEndIsAnAttempt) {
  const std::pair<const char*, std::function<void(dialogue&)>> ways[] = {
      {"RATE_LIMITED", [](dialogue& with) { with.server("421 4.7.28 too many messages\r\n"); }},
      {"COMMAND_TIMEOUT", [](dialogue& with) { with.deadline(); }},
      {"PROTOCOL_VIOLATION", [](dialogue& with) { with.server("\x16\x03\x01 nonsense\r\n"); }}};
  for (const auto& [code, fail] : ways) {
    dialogue with;
    begin_on_used_connection(with);
    fail(with);
    ASSERT_EQ(with.done.size(), 2U) << code;
    EXPECT_EQ(with.done[1].came_to.code, code);
    EXPECT_FALSE(with.done[1].replaceable) << code;
  }
}

TEST(SmtpFsm, AMailOfWhichSomethingWasAcceptedIsNotReplaced) {
  dialogue with;
  begin_on_used_connection(with);
  with.server("250 ok\r\n");
  with.drop();
  ASSERT_EQ(with.done.size(), 2U);
  EXPECT_FALSE(with.done[1].replaceable);
}

TEST(SmtpFsm, ARefusedResetIsNoFaultOfTheSender) {
  dialogue with;
  open_plain(with, ehlo_pipelining);
  with.queue(make_mail(1));
  with.server("250 ok\r\n550 no\r\n554 no\r\n");
  with.queue(make_mail(2));
  with.server("550 5.0.0 never\r\n");  // to our RSET
  ASSERT_EQ(with.done.size(), 2U);
  EXPECT_EQ(with.done[1].came_to.code, "PROTOCOL_VIOLATION");
  EXPECT_EQ(with.done[1].came_to.result, outcome_class::transient);
  EXPECT_EQ(with.done[1].came_to.server_reply, "550 5.0.0 never");
  EXPECT_FALSE(with.done[1].replaceable);
  EXPECT_TRUE(with.closed);
}

}  // namespace
}  // namespace tocsin::smtp::testing
