// SPDX-License-Identifier: Apache-2.0
// The dialogue of a good server: transactions, extensions, sign-in, TLS, and its life as an object.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <latch>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <tocsin/inbox/inbox.hpp>
#include <vector>

#include "unit/inbox/client.hpp"

namespace tocsin::inbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::chrono::seconds plenty{20};
const options in_clear{.mode = security::none};

options with_accounts(options how, std::vector<std::string> mechanisms = {"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"}) {
  how.accounts = {{"user", "password"}};
  how.mechanisms = std::move(mechanisms);
  how.auth_only_under_tls = false;
  return how;
}

// A client that has read the greeting and said EHLO.
struct greeted : test::client {
  explicit greeted(const server& to) : client(to.port()) {
    EXPECT_THAT(reply(), StartsWith("220 inbox.localhost ESMTP"));
    capabilities = ask("EHLO test.example");
  }
  std::string capabilities;
};

TEST(InboxServer, KeepsAMailWithItsEnvelope) {
  server inbox(in_clear);
  greeted client(inbox);
  client.ask("MAIL FROM:<from@example.org> SIZE=100 BODY=8BITMIME");
  client.ask("RCPT TO:<one@example.org>");
  client.ask("RCPT TO:<@relay.example:two@example.org>");
  EXPECT_THAT(client.ask("DATA"), StartsWith("354 "));
  EXPECT_EQ(client.ask("Subject: x\r\n\r\n..dot\r\n..\r\n."), "250 2.0.0 Ok: queued as 1\r\n");
  EXPECT_EQ(client.ask("QUIT"), "221 2.0.0 Bye\r\n");
  EXPECT_EQ(client.rest(), "");

  ASSERT_EQ(inbox.mail_count(), 1u);
  const mail got = inbox.mails().front();
  EXPECT_EQ(got.envelope_from, "from@example.org");
  EXPECT_THAT(got.recipients, ElementsAre("one@example.org", "two@example.org"));
  EXPECT_EQ(got.data, "Subject: x\r\n\r\n.dot\r\n.\r\n");
  EXPECT_EQ(got.client_name, "test.example");
  EXPECT_EQ(got.connection, 1u);
  EXPECT_EQ(got.tls_version, "");
  EXPECT_EQ(got.signed_in_as, "");
}

TEST(InboxServer, OffersWhatItsOptionsSay) {
  options how = in_clear;
  how.size_limit = 1000;
  how.chunking = true;
  server rich(how);
  EXPECT_EQ(greeted(rich).capabilities,
            "250-inbox.localhost at your service\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-CHUNKING\r\n"
            "250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n");
  how.chunking = how.pipelining = how.smtputf8 = false;
  server poor(with_accounts(how, {"PLAIN", "XOAUTH2"}));
  EXPECT_EQ(greeted(poor).capabilities,
            "250-inbox.localhost at your service\r\n250-SIZE 1000\r\n250-AUTH PLAIN XOAUTH2\r\n250-8BITMIME\r\n"
            "250 ENHANCEDSTATUSCODES\r\n");
}

TEST(InboxServer, EndsAMessageAtNothingButCrLfDotCrLf) {
  server inbox(in_clear);
  greeted client(inbox);
  const std::string smuggled = "a\n.\nb\n.\r\nc\r\n.\nd\r.\re\r\n.\rf\r.\r\ng\n\r\n.\n\rh\r\n";
  EXPECT_THAT(client.mail(smuggled), StartsWith("250 "));
  EXPECT_THAT(client.ask("NOOP"), StartsWith("250 "));
  ASSERT_EQ(inbox.mail_count(), 1u);
  EXPECT_EQ(inbox.mails()[0].data, "a\n.\nb\n.\r\nc\r\n\nd\r.\re\r\n\rf\r.\r\ng\n\r\n\n\rh\r\n");
}

TEST(InboxServer, FindsTheEndOfAMessageHoweverItIsCut) {
  server inbox(in_clear);
  greeted client(inbox);
  const std::string dialogue = "MAIL FROM:<>\r\nRCPT TO:<to@example.org>\r\nDATA\r\n..a\r\n\r\r\n.\r\nMAIL FROM:<>\r\n";
  for (const char& byte : dialogue) client.send({&byte, 1});
  EXPECT_THAT(client.reply(), StartsWith("250 2.1.0"));
  EXPECT_THAT(client.reply(), StartsWith("250 2.1.5"));
  EXPECT_THAT(client.reply(), StartsWith("354 "));
  EXPECT_THAT(client.reply(), StartsWith("250 2.0.0"));
  EXPECT_THAT(client.reply(), StartsWith("250 2.1.0"));
  EXPECT_EQ(inbox.mails().at(0).data, ".a\r\n\r\r\n");
}

TEST(InboxServer, TakesAnEmptyMessage) {
  server inbox(in_clear);
  greeted client(inbox);
  EXPECT_THAT(client.mail(""), StartsWith("250 "));
  EXPECT_EQ(inbox.mails().at(0).data, "");
}

TEST(InboxServer, AnswersAPipelinedFlightInOneBatch) {
  server inbox(in_clear);
  greeted client(inbox);
  const std::string one = "MAIL FROM:<>\r\nRCPT TO:<to@example.org>\r\nDATA\r\nx\r\n.\r\n";
  client.send(one + one + "NOOP\r\n");
  EXPECT_EQ(
      client.read_some(),
      "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End with <CRLF>.<CRLF>\r\n250 2.0.0 Ok: queued as 1\r\n"
      "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End with <CRLF>.<CRLF>\r\n250 2.0.0 Ok: queued as 2\r\n250 2.0.0 Ok\r\n");
}

TEST(InboxServer, RefusesCommandsOutOfOrder) {
  server inbox(in_clear);
  test::client client(inbox.port());
  client.reply();
  EXPECT_THAT(client.ask("MAIL FROM:<>"), StartsWith("503 5.5.1"));
  EXPECT_THAT(client.ask("EHLO"), StartsWith("501 5.5.4"));
  EXPECT_EQ(client.ask("HELO me"), "250 inbox.localhost\r\n");
  EXPECT_THAT(client.ask("RCPT TO:<to@example.org>"), StartsWith("503 5.5.1"));
  EXPECT_THAT(client.ask("DATA"), StartsWith("503 5.5.1"));
  EXPECT_THAT(client.ask("MAIL FROM:<>"), StartsWith("250 "));
  EXPECT_THAT(client.ask("MAIL FROM:<>"), StartsWith("503 5.5.1"));
  EXPECT_THAT(client.ask("DATA"), StartsWith("554 5.5.1"));
  EXPECT_THAT(client.ask("RSET"), StartsWith("250 "));
  EXPECT_THAT(client.ask("RCPT TO:<to@example.org>"), StartsWith("503 5.5.1"));
  EXPECT_THAT(client.ask("STARTTLS"), StartsWith("502 5.5.1"));
  EXPECT_THAT(client.ask("AUTH PLAIN"), StartsWith("503 5.5.1"));
  EXPECT_THAT(client.ask("BDAT 1 LAST"), StartsWith("500 5.5.2"));
  EXPECT_THAT(client.ask("VRFY somebody"), StartsWith("252 "));
  EXPECT_THAT(client.ask("HELP"), StartsWith("214 "));
  EXPECT_THAT(client.ask("XYZZY"), StartsWith("500 5.5.2"));
}

TEST(InboxServer, RefusesMalformedAddressesAndUnknownParameters) {
  server inbox(in_clear);
  greeted client(inbox);
  for (const char* wrong : {"FROM: <a@b>", "FROM:a@b", "FROM:<a@b", "FROM:<a b@c>", "FROM:<a>", "FROM:<a@b>x",
                            "TO:<a@b>", "FROM:<a@b>  SIZE=1", "FROM:<a\tb@c>", "FROM:<a,b@c>"}) {
    EXPECT_THAT(client.ask(std::string("MAIL ") + wrong), StartsWith("501 5.1.7")) << wrong;
  }
  EXPECT_THAT(client.ask("MAIL FROM:<a@b> SIZE=x"), StartsWith("501 5.5.4"));
  EXPECT_THAT(client.ask("MAIL FROM:<a@b> BODY=BINARYMIME"), StartsWith("501 5.5.4"));
  EXPECT_THAT(client.ask("MAIL FROM:<a@b> RET=HDRS"), StartsWith("555 5.5.4"));
  EXPECT_THAT(client.ask("MAIL FROM:<\"a>b c\"@d>"), StartsWith("250 "));
  EXPECT_THAT(client.ask("RCPT TO:<>"), StartsWith("501 5.1.3"));
  EXPECT_THAT(client.ask("RCPT TO:<a@b> NOTIFY=NEVER"), StartsWith("555 5.5.4"));
  EXPECT_THAT(client.ask("RCPT TO:<Postmaster>"), StartsWith("250 "));
}

TEST(InboxServer, TakesAddressesBeyondAsciiOnlyWithSmtpUtf8) {
  server inbox(in_clear);
  greeted client(inbox);
  EXPECT_THAT(client.ask("MAIL FROM:<é@example.org>"), StartsWith("553 5.6.7"));
  EXPECT_THAT(client.ask("MAIL FROM:<é@example.org> SMTPUTF8"), StartsWith("250 "));
  EXPECT_THAT(client.ask("RCPT TO:<à@example.org>"), StartsWith("250 "));
  client.ask("RSET");
  client.ask("MAIL FROM:<e@example.org>");
  EXPECT_THAT(client.ask("RCPT TO:<à@example.org>"), StartsWith("553 5.6.7"));
}

TEST(InboxServer, LimitsTheSizeOfAMessage) {
  options how = in_clear;
  how.size_limit = 10;
  how.chunking = true;
  server inbox(how);
  greeted client(inbox);
  EXPECT_THAT(client.ask("MAIL FROM:<> SIZE=11"), StartsWith("552 5.3.4"));
  EXPECT_THAT(client.mail("12345678\r\n"), StartsWith("250 "));
  EXPECT_THAT(client.mail("123456789\r\n"), StartsWith("552 5.3.4"));
  client.send("MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 11 LAST\r\n12345678901");
  client.reply();
  client.reply();
  EXPECT_THAT(client.reply(), StartsWith("552 5.3.4"));
  EXPECT_EQ(inbox.mail_count(), 1u);
}

TEST(InboxServer, TakesChunks) {
  options how = in_clear;
  how.chunking = true;
  server inbox(how);
  greeted client(inbox);
  client.send("MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 5\r\n.\r\n.\rBDAT 3\r\n\n.\nBDAT 0 LAST\r\nNOOP\r\n");
  client.reply();
  client.reply();
  EXPECT_THAT(client.reply(), StartsWith("250 2.0.0 5 octets"));
  EXPECT_THAT(client.reply(), StartsWith("250 2.0.0 8 octets"));
  EXPECT_EQ(client.reply(), "250 2.0.0 Ok: queued as 1\r\n");
  EXPECT_EQ(client.reply(), "250 2.0.0 Ok\r\n");
  EXPECT_EQ(inbox.mails().at(0).data, ".\r\n.\r\n.\n");
}

TEST(InboxServer, ReadsAChunkThatItRefuses) {
  options how = in_clear;
  how.chunking = true;
  server inbox(how);
  greeted client(inbox);
  client.send("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\nMAIL FROM:<>\r\nRCPT TO:x\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
  EXPECT_THAT(client.reply(), StartsWith("503 "));
  EXPECT_THAT(client.reply(), StartsWith("250 "));
  EXPECT_THAT(client.reply(), StartsWith("250 "));
  EXPECT_THAT(client.reply(), StartsWith("501 "));
  EXPECT_THAT(client.reply(), StartsWith("554 "));
  EXPECT_THAT(client.reply(), StartsWith("250 "));
  EXPECT_EQ(inbox.mail_count(), 0u);
}

TEST(InboxServer, RefusesAnEndlessLineAndGoesOn) {
  server inbox(in_clear);
  greeted client(inbox);
  client.send("NOOP " + std::string(200'000, 'x'));
  client.send("\r\nNOOP\r\n");
  EXPECT_THAT(client.reply(), StartsWith("500 5.5.2"));
  EXPECT_THAT(client.reply(), StartsWith("250 "));
}

TEST(InboxServer, SignsInWithPlain) {
  server inbox(with_accounts(in_clear));
  greeted client(inbox);
  EXPECT_THAT(client.ask("AUTH PLAIN AHVzZXIAd3Jvbmc="), StartsWith("535 5.7.8"));
  EXPECT_THAT(client.ask("AUTH PLAIN !"), StartsWith("501 5.5.2"));
  EXPECT_THAT(client.ask("AUTH PLAIN AHVzZXI="), StartsWith("501 5.5.2"));
  EXPECT_THAT(client.ask("AUTH DIGEST-MD5"), StartsWith("504 5.5.4"));
  EXPECT_EQ(client.ask("AUTH PLAIN"), "334 \r\n");
  EXPECT_THAT(client.ask("*"), StartsWith("501 5.7.0"));
  EXPECT_EQ(client.ask("auth plain"), "334 \r\n");
  EXPECT_THAT(client.ask("AHVzZXIAcGFzc3dvcmQ="), StartsWith("235 2.7.0"));
  EXPECT_THAT(client.ask("AUTH PLAIN AHVzZXIAcGFzc3dvcmQ="), StartsWith("503 5.5.1"));
  client.mail();
  EXPECT_EQ(inbox.mails().at(0).signed_in_as, "user");
  EXPECT_EQ(inbox.mails().at(0).mechanism, "PLAIN");
}

TEST(InboxServer, SignsInWithLogin) {
  server inbox(with_accounts(in_clear));
  greeted client(inbox);
  EXPECT_EQ(client.ask("AUTH LOGIN"), "334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(client.ask("dXNlcg=="), "334 UGFzc3dvcmQ6\r\n");
  EXPECT_THAT(client.ask("d3Jvbmc="), StartsWith("535 "));
  EXPECT_EQ(client.ask("AUTH LOGIN dXNlcg=="), "334 UGFzc3dvcmQ6\r\n");
  EXPECT_THAT(client.ask("cGFzc3dvcmQ="), StartsWith("235 "));
}

TEST(InboxServer, SignsInWithXoauth2AndExplainsARefusalFirst) {
  server inbox(with_accounts(in_clear));
  greeted client(inbox);
  // user=user^Aauth=Bearer wrong^A^A, then with "password"
  const std::string error = client.ask("AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHdyb25nAQE=");
  EXPECT_THAT(error, StartsWith("334 eyJzdGF0dXMiOiI0MDAi"));
  EXPECT_THAT(client.ask(""), StartsWith("535 5.7.8"));
  EXPECT_THAT(client.ask("AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHBhc3N3b3JkAQE="), StartsWith("235 "));
}

TEST(InboxServer, ChallengesCramMd5WithSomethingNewEachTime) {
  server inbox(with_accounts(in_clear));
  greeted client(inbox);
  const std::string first = client.ask("AUTH CRAM-MD5");
  EXPECT_THAT(first, StartsWith("334 "));
  EXPECT_THAT(client.ask("dXNlciAwMDAw"), StartsWith("535 "));
  const std::string second = client.ask("AUTH CRAM-MD5");
  EXPECT_NE(first, second);
}

TEST(InboxServer, AsksForTlsAndSignInBeforeMail) {
  options how = with_accounts({.mode = security::starttls});
  how.auth_required = true;
  how.auth_only_under_tls = true;
  server inbox(how);
  greeted client(inbox);
  EXPECT_THAT(client.capabilities, Not(HasSubstr("AUTH")));
  EXPECT_THAT(client.ask("MAIL FROM:<>"), StartsWith("530 5.7.0 STARTTLS"));
  EXPECT_THAT(client.ask("AUTH PLAIN AHVzZXIAcGFzc3dvcmQ="), StartsWith("538 5.7.11"));
  client.ask("STARTTLS");
  ASSERT_TRUE(client.start_tls(inbox.ca_pem()));
  EXPECT_THAT(client.ask("MAIL FROM:<>"), StartsWith("503 "));  // the EHLO from before is forgotten
  EXPECT_THAT(client.ask("EHLO test"), HasSubstr("AUTH PLAIN"));
  EXPECT_THAT(client.ask("MAIL FROM:<>"), StartsWith("530 5.7.0 Sign-in"));
  EXPECT_THAT(client.ask("AUTH PLAIN AHVzZXIAcGFzc3dvcmQ="), StartsWith("235 "));
  EXPECT_THAT(client.mail(), StartsWith("250 "));
}

TEST(InboxServer, TakesNewAccountsWhileItRuns) {
  server inbox(with_accounts(in_clear));
  greeted client(inbox);
  inbox.set_accounts({{"user", "other"}});
  EXPECT_THAT(client.ask("AUTH PLAIN AHVzZXIAcGFzc3dvcmQ="), StartsWith("535 "));
  EXPECT_THAT(client.ask("AUTH PLAIN AHVzZXIAb3RoZXI="), StartsWith("235 "));
}

TEST(InboxServer, SecuresWithStartTlsAndRemembersHow) {
  server inbox;
  test::client client(inbox.port());
  client.greet_securely(inbox.ca_pem());
  EXPECT_THAT(client.ask("STARTTLS"), StartsWith("503 "));
  client.mail();
  EXPECT_EQ(inbox.mails().at(0).tls_version, "TLSv1.3");
  EXPECT_THAT(inbox.mails().at(0).tls_cipher, StartsWith("TLS_"));
}

TEST(InboxServer, ForgetsWhatCameInClearBehindStartTls) {
  server inbox;
  test::client client(inbox.port());
  client.reply();
  client.ask("EHLO test");
  client.send("STARTTLS\r\nNOOP injected\r\n");
  EXPECT_EQ(client.reply(), "220 2.0.0 Go ahead\r\n");
  ASSERT_TRUE(client.start_tls(inbox.ca_pem()));
  EXPECT_THAT(client.ask("QUIT"), StartsWith("221 "));
  EXPECT_EQ(client.rest(), "");
  EXPECT_THAT(inbox.dialogue(), Not(testing::Contains("C: NOOP injected")));
}

TEST(InboxServer, SpeaksImplicitTls) {
  server inbox({.mode = security::implicit});
  test::client client(inbox.port());
  ASSERT_TRUE(client.start_tls(inbox.ca_pem()));
  EXPECT_THAT(client.reply(), StartsWith("220 "));
  EXPECT_THAT(client.ask("EHLO x"), Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(client.mail(std::string(1'000'000, 'x') + "\r\n"), StartsWith("250 "));
  EXPECT_EQ(inbox.mails().at(0).data.size(), 1'000'002u);
}

TEST(InboxServer, KeepsToItsTlsVersions) {
  server old({.mode = security::implicit, .minimum_tls = "1.0", .maximum_tls = "1.2"});
  test::client first(old.port());
  ASSERT_TRUE(first.start_tls(old.ca_pem()));
  first.reply();
  first.ask("EHLO x");
  first.mail();
  EXPECT_EQ(old.mails().at(0).tls_version, "TLSv1.2");
  server strict({.mode = security::implicit, .minimum_tls = "1.3"});
  test::client second(strict.port());
  EXPECT_FALSE(second.start_tls(strict.ca_pem(), TLS1_2_VERSION));
}

TEST(InboxServer, UsesTheCertificateThatItIsGiven) {
  const certificate_authority authority;
  const auto issued = authority.issue({});
  server inbox({.mode = security::implicit, .certificate_pem = issued.certificate_pem, .key_pem = issued.key_pem});
  EXPECT_EQ(inbox.ca_pem(), "");
  test::client client(inbox.port());
  EXPECT_TRUE(client.start_tls(authority.certificate_pem()));
}

TEST(InboxServer, GoesOnAfterAClientThatDoesNotTrustIt) {
  server inbox;
  test::client stranger(inbox.port());
  stranger.reply();
  stranger.ask("EHLO x");
  stranger.ask("STARTTLS");
  EXPECT_FALSE(stranger.start_tls(certificate_authority().certificate_pem()));
  test::client next(inbox.port());
  next.greet_securely(inbox.ca_pem());
  EXPECT_EQ(inbox.connections(), 2u);
}

TEST(InboxServer, RefusesOptionsThatCannotBe) {
  EXPECT_THROW(server({.mechanisms = {"MAGIC"}}), std::invalid_argument);
  EXPECT_THROW(server({.minimum_tls = "2.0"}), std::invalid_argument);
  EXPECT_THROW(server({.minimum_tls = "1.3", .maximum_tls = "1.2"}), std::invalid_argument);
  EXPECT_THROW(server({.faults = {{"nowhere", "drop"}}}), std::invalid_argument);
  EXPECT_THROW(server({.faults = {{"mail", "explode"}}}), std::invalid_argument);
  EXPECT_THROW(server({.faults = {{"mail", "reply"}}}), std::invalid_argument);
  EXPECT_THROW(server({.certificate_pem = "none"}), std::runtime_error);
  const certificate_authority authority;
  EXPECT_THROW(server({.certificate_pem = authority.issue({}).certificate_pem, .key_pem = authority.issue({}).key_pem}),
               std::runtime_error);
  server first(in_clear);
  options same_port = in_clear;
  same_port.port = first.port();
  EXPECT_THROW(server{same_port}, std::system_error);
}

TEST(InboxServer, RecordsTheDialogue) {
  server inbox(with_accounts(in_clear));
  greeted client(inbox);
  client.ask("AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=");
  client.mail("12345678\r\n");
  EXPECT_THAT(inbox.dialogue(), testing::IsSupersetOf({"S: 220 inbox.localhost ESMTP Tocsin inbox",
                                                       "C: EHLO test.example", "S: 250-PIPELINING",
                                                       "C: AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=", "S: 235 2.7.0 Signed in",
                                                       "C: MAIL FROM:<from@example.org>", "C: [10 octets]", "C: ."}));
}

TEST(InboxServer, KeepsNoRecordsWhenToldNotTo) {
  options how = in_clear;
  how.keep_mails = how.record_dialogue = false;
  server inbox(how);
  greeted client(inbox);
  client.mail();
  EXPECT_EQ(inbox.mail_count(), 1u);
  EXPECT_THAT(inbox.mails(), IsEmpty());
  EXPECT_THAT(inbox.dialogue(), IsEmpty());
}

TEST(InboxServer, TellsTheHandlerBeforeItAnswers) {
  server inbox(in_clear);
  std::vector<std::string> heard;
  inbox.on_mail([&](const mail& got) { heard.push_back(got.header("Subject") + "/" + got.envelope_from); });
  greeted client(inbox);
  client.mail();
  EXPECT_THAT(heard, ElementsAre("x/from@example.org"));
}

TEST(InboxServer, WaitsForMailsUntilTheyAreThereOrTheTimeIsOver) {
  server inbox(in_clear);
  EXPECT_FALSE(inbox.wait_for(1, std::chrono::milliseconds(1)));
  std::thread sender([&] {
    greeted client(inbox);
    client.mail();
    client.mail();
  });
  EXPECT_TRUE(inbox.wait_for(2, plenty));
  sender.join();
}

class InboxFolder : public testing::Test {
 protected:
  InboxFolder() {
    std::string path = testing::TempDir() + "tocsin-inbox-XXXXXX";
    folder_ = ::mkdtemp(path.data());
  }
  ~InboxFolder() override { std::filesystem::remove_all(folder_); }
  static std::string content(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::filesystem::path folder_;
};

TEST_F(InboxFolder, GetsEachMessageAndKeepsThoseFromBefore) {
  options how = in_clear;
  how.keep_in = folder_ / "new" / "mails";
  for (const char* text : {"first\r\n", "second\r\n"}) {
    server inbox(how);
    greeted client(inbox);
    EXPECT_THAT(client.mail(text), StartsWith("250 "));
  }
  EXPECT_EQ(content(how.keep_in / "0001.eml"), "first\r\n");
  EXPECT_EQ(content(how.keep_in / "0002.eml"), "second\r\n");
}

TEST_F(InboxFolder, ThatIsGoneMeansATemporaryFailure) {
  options how = in_clear;
  how.keep_in = folder_ / "mails";
  server inbox(how);
  std::filesystem::remove_all(how.keep_in);
  greeted client(inbox);
  EXPECT_THAT(client.mail(), StartsWith("451 4.3.0"));
  EXPECT_EQ(inbox.mail_count(), 0u);
}

TEST(InboxServer, StopsWithConnectionsOpenInEveryState) {
  server inbox({.faults = {{"noop", "stall"}}});
  test::client silent(inbox.port());
  greeted greeted_one(inbox);
  greeted stalled(inbox);
  stalled.send("NOOP\r\n");
  greeted in_data(inbox);
  in_data.ask("MAIL FROM:<>");
  in_data.ask("RCPT TO:<a@b>");
  in_data.ask("DATA");
  greeted in_handshake(inbox);
  in_handshake.ask("STARTTLS");
  test::client secured(inbox.port());
  secured.greet_securely(inbox.ca_pem());
  inbox.stop();
  EXPECT_EQ(greeted_one.rest(), "");
  EXPECT_EQ(stalled.rest(), "");
  EXPECT_EQ(in_data.rest(), "");
  EXPECT_EQ(in_handshake.rest(), "");
  EXPECT_EQ(secured.rest(), "");
  inbox.stop();
  EXPECT_EQ(inbox.mail_count(), 0u);
}

TEST(InboxServer, ServesManyConnectionsAtOnce) {
  server inbox(in_clear);
  constexpr int clients = 8;
  constexpr int mails = 50;
  std::latch together(clients);
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      greeted client(inbox);
      together.arrive_and_wait();
      for (int j = 0; j < mails; ++j) EXPECT_THAT(client.mail(), StartsWith("250 "));
      inbox.set_faults({});
      EXPECT_GT(inbox.mails().size(), 0u);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(inbox.mail_count(), static_cast<std::size_t>(clients * mails));
  EXPECT_EQ(inbox.connections(), static_cast<std::uint64_t>(clients));
}

}  // namespace
}  // namespace tocsin::inbox
