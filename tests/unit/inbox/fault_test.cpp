// SPDX-License-Identifier: Apache-2.0
// Each fault at each step: what a client sees, and what the server keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tocsin/inbox/inbox.hpp>
#include <vector>

#include "unit/inbox/client.hpp"

namespace tocsin::inbox {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

options with_faults(std::vector<fault> faults, security mode = security::none) {
  return {.mode = mode,
          .accounts = {{"user", "password"}},
          .auth_only_under_tls = false,
          .chunking = true,
          .faults = std::move(faults)};
}

// What the client says so that the server comes to the step, and the good answer there.
struct step {
  std::string name;
  std::vector<std::string> before;
  std::string at;
  std::string good;
};

void PrintTo(const step& what, std::ostream* out) { *out << what.name; }

const std::vector<step> all_steps = {
    {"greeting", {}, "", "220 "},
    {"ehlo", {}, "EHLO x\r\n", "250-"},
    {"helo", {}, "HELO x\r\n", "250 "},
    {"auth", {"EHLO x"}, "AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=\r\n", "235 "},
    {"mail", {"EHLO x"}, "MAIL FROM:<a@b>\r\n", "250 "},
    {"rcpt", {"EHLO x", "MAIL FROM:<a@b>"}, "RCPT TO:<a@b>\r\n", "250 "},
    {"data", {"EHLO x", "MAIL FROM:<a@b>", "RCPT TO:<a@b>"}, "DATA\r\n", "354 "},
    {"body", {"EHLO x", "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA"}, "x\r\n.\r\n", "250 "},
    {"rset", {}, "RSET\r\n", "250 "},
    {"noop", {}, "NOOP\r\n", "250 "},
    {"vrfy", {}, "VRFY x\r\n", "252 "},
    {"quit", {}, "QUIT\r\n", "221 "},
};

class FaultAtStep : public testing::TestWithParam<step> {
 protected:
  void come_to_the_step(test::client& client) {
    if (GetParam().name == "greeting") return;
    client.reply();
    for (const auto& line : GetParam().before) client.ask(line);
    client.send(GetParam().at);
  }
};

TEST_P(FaultAtStep, RepliesWhatItWasTold) {
  server inbox(with_faults({{GetParam().name, "reply:599-scripted\r\n599 answer"}}));
  test::client client(inbox.port());
  come_to_the_step(client);
  EXPECT_EQ(client.reply(), "599-scripted\r\n599 answer\r\n");
  EXPECT_EQ(inbox.mail_count(), 0u);
}

TEST_P(FaultAtStep, DropsTheConnection) {
  server inbox(with_faults({{GetParam().name, "drop"}}));
  test::client client(inbox.port());
  come_to_the_step(client);
  EXPECT_EQ(client.rest(), "");
  EXPECT_FALSE(client.was_reset());
}

TEST_P(FaultAtStep, ResetsTheConnection) {
  server inbox(with_faults({{GetParam().name, "reset"}}));
  test::client client(inbox.port());
  come_to_the_step(client);
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.was_reset());
}

TEST_P(FaultAtStep, SaysNothingMore) {
  server inbox(with_faults({{GetParam().name, "stall"}}));
  test::client client(inbox.port());
  come_to_the_step(client);
  client.send("NOOP\r\nQUIT\r\n");
  EXPECT_TRUE(client.is_open_and_silent());
}

TEST_P(FaultAtStep, TalksGarbage) {
  server inbox(with_faults({{GetParam().name, "garbage"}}));
  test::client client(inbox.port());
  come_to_the_step(client);
  EXPECT_THAT(client.read_some(), StartsWith(std::string("\0\xff", 2)));
}

TEST_P(FaultAtStep, SendsAByteAtATime) {
  server inbox(with_faults({{GetParam().name, "split"}}));
  test::client client(inbox.port());
  come_to_the_step(client);
  EXPECT_THAT(client.reply(), StartsWith(GetParam().good));
  if (GetParam().name == "quit") {
    EXPECT_EQ(client.rest(), "");
  } else if (GetParam().name != "data") {
    EXPECT_THAT(client.ask("NOOP"), StartsWith("250 "));
  }
}

TEST_P(FaultAtStep, AppendsToTheGoodAnswerInTheSameWrite) {
  server inbox(with_faults({{GetParam().name, "inject:250 injected\r\n"}}));
  test::client client(inbox.port());
  come_to_the_step(client);
  const std::string got = client.read_some();
  EXPECT_THAT(got, StartsWith(GetParam().good));
  EXPECT_TRUE(got.ends_with("\r\n250 injected\r\n")) << got;
}

INSTANTIATE_TEST_SUITE_P(Inbox, FaultAtStep, testing::ValuesIn(all_steps),
                         [](const auto& each) { return each.param.name; });

TEST(InboxFault, HappensAsOftenAsAskedThenTheNextOne) {
  server inbox(with_faults({{"noop", "reply:451 first", 2}, {"noop", "reply:550 second", 1}}));
  test::client client(inbox.port());
  client.reply();
  EXPECT_EQ(client.ask("NOOP"), "451 first\r\n");
  EXPECT_EQ(client.ask("NOOP"), "451 first\r\n");
  EXPECT_EQ(client.ask("NOOP"), "550 second\r\n");
  EXPECT_THAT(client.ask("NOOP"), StartsWith("250 "));
  inbox.set_faults({{"noop", "reply:452 third"}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask("NOOP"), "452 third\r\n");
  inbox.set_faults({});
  EXPECT_THAT(client.ask("NOOP"), StartsWith("250 "));
}

TEST(InboxFault, WithReply421ClosesTheConnection) {
  server inbox(with_faults({{"mail", "reply:421 4.3.2 going down"}}));
  test::client client(inbox.port());
  client.reply();
  client.ask("EHLO x");
  client.send("MAIL FROM:<>\r\nRCPT TO:<a@b>\r\n");
  EXPECT_EQ(client.rest(), "421 4.3.2 going down\r\n");
}

TEST(InboxFault, RefusedGreetingLeavesNoService) {
  server inbox(with_faults({{"greeting", "reply:554 5.7.1 not you"}}));
  test::client client(inbox.port());
  EXPECT_EQ(client.reply(), "554 5.7.1 not you\r\n");
  EXPECT_THAT(client.ask("EHLO x"), StartsWith("503 "));
  EXPECT_THAT(client.ask("QUIT"), StartsWith("221 "));
}

TEST(InboxFault, ReplyDecidesHowTheServerGoesOn) {
  server inbox(
      with_faults({{"mail", "reply:550 no", 1}, {"rcpt", "reply:250 anything", 1}, {"data", "reply:451 no", 1}}));
  test::client client(inbox.port());
  client.reply();
  client.ask("EHLO x");
  client.ask("MAIL FROM:<>");
  EXPECT_THAT(client.ask("RCPT TO:<a@b>"), StartsWith("250 anything"));
  client.ask("RSET");
  client.ask("MAIL FROM:<>");
  client.ask("RCPT TO:<a@b>");
  EXPECT_EQ(client.ask("DATA"), "451 no\r\n");
  EXPECT_THAT(client.ask("NOOP"), StartsWith("250 "));
  EXPECT_THAT(client.ask("DATA"), StartsWith("354 "));
}

TEST(InboxFault, MessageWhoseAnswerIsLostIsKept) {
  for (const char* action : {"drop", "reset", "stall", "garbage"}) {
    server inbox(with_faults({{"body", action}}));
    test::client client(inbox.port());
    client.reply();
    client.ask("EHLO x");
    client.send("MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nx\r\n.\r\n");
    EXPECT_TRUE(inbox.wait_for(1, std::chrono::seconds(20))) << action;
  }
}

TEST(InboxFault, RefusedMessageIsNotKept) {
  server inbox(with_faults({{"body", "reply:452 4.3.1 full", 1}}));
  test::client client(inbox.port());
  client.reply();
  client.ask("EHLO x");
  EXPECT_EQ(client.mail(), "452 4.3.1 full\r\n");
  EXPECT_EQ(inbox.mail_count(), 0u);
  EXPECT_THAT(client.mail(), StartsWith("250 "));
  EXPECT_EQ(inbox.mail_count(), 1u);
}

TEST(InboxFault, HoldsForTheLastChunkToo) {
  server inbox(with_faults({{"body", "reply:554 no"}, {"data", "reply:552 chunk"}}));
  test::client client(inbox.port());
  client.reply();
  client.ask("EHLO x");
  client.ask("MAIL FROM:<>");
  client.ask("RCPT TO:<a@b>");
  EXPECT_EQ(client.ask("BDAT 3 LAST\r\nx"), "554 no\r\n");
  client.ask("MAIL FROM:<>");
  client.ask("RCPT TO:<a@b>");
  EXPECT_EQ(client.ask("BDAT 3\r\nx"), "552 chunk\r\n");
}

TEST(InboxFault, ScriptedChallengeIsAnsweredAndEnds) {
  server inbox(with_faults({{"auth", "reply:334 not-base64!"}}));
  test::client client(inbox.port());
  client.reply();
  client.ask("EHLO x");
  EXPECT_EQ(client.ask("AUTH PLAIN AHVzZXIAcGFzc3dvcmQ="), "334 not-base64!\r\n");
  EXPECT_THAT(client.ask("*"), StartsWith("501 5.7.0"));
  client.ask("AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=");
  EXPECT_THAT(client.ask("abcd"), StartsWith("535 "));
}

TEST(InboxFault, AtConnectComesBeforeTheGreeting) {
  server inbox(with_faults({{"connect", "drop", 1},
                            {"connect", "reset", 1},
                            {"connect", "stall", 1},
                            {"connect", "reply:421 busy", 1},
                            {"connect", "inject:x", 1},
                            {"connect", "garbage", 1},
                            {"connect", "split", 1}}));
  test::client dropped(inbox.port());
  EXPECT_EQ(dropped.rest(), "");
  test::client reset(inbox.port());
  EXPECT_EQ(reset.rest(), "");
  EXPECT_TRUE(reset.was_reset());
  test::client stalled(inbox.port());
  EXPECT_TRUE(stalled.is_open_and_silent());
  test::client told(inbox.port());
  EXPECT_EQ(told.reply(), "421 busy\r\n");
  EXPECT_THAT(told.reply(), StartsWith("220 "));
  test::client injected(inbox.port());
  EXPECT_THAT(injected.reply(), StartsWith("x220 "));
  test::client garbled(inbox.port());
  EXPECT_THAT(garbled.reply(), HasSubstr("neither SMTP nor TLS"));
  test::client plain(inbox.port());
  EXPECT_THAT(plain.reply(), StartsWith("220 "));
}

class FaultOfTls : public testing::Test {
 protected:
  // A client whose STARTTLS was sent, not yet answered.
  struct asking : test::client {
    explicit asking(const server& to) : client(to.port()) {
      reply();
      ask("EHLO x");
      send("STARTTLS\r\n");
    }
  };
};

TEST_F(FaultOfTls, InjectsIntoTheAnswerToStartTls) {
  server inbox(with_faults({{"starttls", "inject:250 injected\r\n"}}, security::starttls));
  asking client(inbox);
  EXPECT_EQ(client.read_some(), "220 2.0.0 Go ahead\r\n250 injected\r\n");
  EXPECT_TRUE(client.start_tls(inbox.ca_pem()));
}

TEST_F(FaultOfTls, SplitsTheAnswerAndTheHandshake) {
  server inbox(with_faults({{"starttls", "split"}, {"handshake", "split"}, {"ehlo", "split"}}, security::starttls));
  test::client client(inbox.port());
  client.greet_securely(inbox.ca_pem());
  EXPECT_THAT(client.mail(), StartsWith("250 "));
}

TEST_F(FaultOfTls, RefusesStartTls) {
  server inbox(with_faults({{"starttls", "reply:454 4.7.0 not now"}}, security::starttls));
  asking client(inbox);
  EXPECT_EQ(client.reply(), "454 4.7.0 not now\r\n");
  EXPECT_THAT(client.ask("NOOP"), StartsWith("250 "));
}

TEST_F(FaultOfTls, DropsResetsAndStallsAtStartTls) {
  server inbox(
      with_faults({{"starttls", "drop", 1}, {"starttls", "reset", 1}, {"starttls", "stall", 1}}, security::starttls));
  asking dropped(inbox);
  EXPECT_EQ(dropped.rest(), "");
  asking reset(inbox);
  EXPECT_EQ(reset.rest(), "");
  EXPECT_TRUE(reset.was_reset());
  asking stalled(inbox);
  EXPECT_TRUE(stalled.is_open_and_silent());
}

TEST_F(FaultOfTls, SpoilsTheHandshake) {
  for (const char* action : {"drop", "reset", "garbage", "reply:220 no TLS here", "inject:250 clear text\r\n"}) {
    server inbox(with_faults({{"handshake", action}}, security::implicit));
    test::client client(inbox.port());
    const bool completed = client.start_tls(inbox.ca_pem()) && !client.reply().empty();
    EXPECT_FALSE(completed) << action;
  }
}

TEST_F(FaultOfTls, DropsTheConnectionAfterTheAnswerToStartTls) {
  server inbox(with_faults({{"handshake", "drop"}}, security::starttls));
  asking client(inbox);
  EXPECT_THAT(client.reply(), StartsWith("220 "));
  EXPECT_FALSE(client.start_tls(inbox.ca_pem()));
}

TEST_F(FaultOfTls, StallsInTheHandshake) {
  server inbox(with_faults({{"handshake", "stall"}}, security::implicit));
  test::client client(inbox.port());
  client.send("\x16\x03\x01");
  EXPECT_TRUE(client.is_open_and_silent());
}

TEST_F(FaultOfTls, GreetsInClearWhereTlsWasExpected) {
  server inbox(with_faults({{"connect", "reply:220 plain"}}, security::implicit));
  test::client client(inbox.port());
  EXPECT_EQ(client.reply(), "220 plain\r\n");
}

}  // namespace
}  // namespace tocsin::inbox
