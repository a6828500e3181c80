// Choosing mechanisms, and their dialogues against libgsasl's own server side.
#include "tests/unit/smtp/dialogue.hpp"

#include "plugins/channels/smtp/mime/encode.hpp"
#include "plugins/channels/smtp/protocol/sign_in.hpp"

#include <gmock/gmock.h>
#include <gsasl.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tocsin::smtp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using names = std::vector<std::string>;

capabilities offering(names mechanisms) {
  capabilities made;
  made.auth = true;
  made.mechanisms = std::move(mechanisms);
  return made;
}

sign_in_policy policy(std::string authentication = "auto", bool allow_plaintext = false) {
  return {std::move(authentication), true, allow_plaintext};
}

const names all = {"LOGIN",   "PLAIN",       "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
                   "XOAUTH2", "OAUTHBEARER", "GSSAPI"};

TEST(Mechanisms, OverTlsGoByStrength) {
  EXPECT_EQ(choose_mechanisms(policy(), offering(all), true, true).mechanisms,
            (names{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5"}));
  EXPECT_EQ(choose_mechanisms(policy(), offering(all), true, false).mechanisms,
            (names{"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5"}));
}

TEST(Mechanisms, WithoutTlsNoneThatSendsThePassword) {
  EXPECT_EQ(choose_mechanisms(policy(), offering(all), false, false).mechanisms,
            (names{"SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5"}));
  EXPECT_EQ(choose_mechanisms(policy(), offering({"PLAIN", "LOGIN"}), false, false).code, "AUTH_NEEDS_ENCRYPTION");
}

TEST(Mechanisms, WithoutTlsInClearOnlyWhereItIsAllowedAndThenLast) {
  EXPECT_EQ(choose_mechanisms(policy("auto", true), offering({"PLAIN", "CRAM-MD5"}), false, false).mechanisms,
            (names{"CRAM-MD5", "PLAIN"}));
}

TEST(Mechanisms, ANamedOneIsTheOnlyOne) {
  EXPECT_EQ(choose_mechanisms(policy("login"), offering(all), true, false).mechanisms, names{"LOGIN"});
  EXPECT_EQ(choose_mechanisms(policy("xoauth2"), offering(all), true, false).mechanisms, names{"XOAUTH2"});
  EXPECT_EQ(choose_mechanisms(policy("login"), offering(all), false, false).code, "AUTH_NEEDS_ENCRYPTION");
  EXPECT_EQ(choose_mechanisms(policy("cram-md5"), offering({"PLAIN"}), true, false).code, "AUTH_MECHANISM_UNSUPPORTED");
}

TEST(Mechanisms, NoneOfferedAndNoneUsableAreToldApart) {
  capabilities nothing;
  EXPECT_EQ(choose_mechanisms(policy(), nothing, true, false).code, "AUTH_NOT_OFFERED");
  EXPECT_EQ(choose_mechanisms(policy(), offering({"GSSAPI"}), true, false).code, "AUTH_MECHANISM_UNSUPPORTED");
}

credentials someone() {
  credentials who;
  who.username = "user@example.org";
  who.password = "pencil,=";
  who.host = "mx.example.org";
  who.port = 587;
  return who;
}

TEST(Exchange, XOAuth2AndOAuthBearerSayTheirToken) {
  std::string why;
  auto xoauth = make_exchange("XOAUTH2", someone(), why);
  EXPECT_EQ(xoauth->initial()->response,
            "user=user@example.org\x01"
            "auth=Bearer pencil,=\x01\x01");
  EXPECT_EQ(xoauth->answer("{\"status\":\"400\"}").response, "");
  EXPECT_FALSE(xoauth->accept());
  EXPECT_FALSE(xoauth->answer("more").ok);
  auto bearer = make_exchange("OAUTHBEARER", someone(), why);
  EXPECT_EQ(bearer->initial()->response,
            "n,a=user@example.org,\x01host=mx.example.org\x01port=587\x01"
            "auth=Bearer pencil,=\x01\x01");
  EXPECT_EQ(bearer->answer("{}").response, "\x01");
}

TEST(Exchange, NulIsRefused) {
  credentials who = someone();
  who.password = std::string("a\0b", 3);
  std::string why;
  EXPECT_EQ(make_exchange("PLAIN", who, why), nullptr);
  EXPECT_THAT(why, HasSubstr("NUL"));
}

// A server of libgsasl's that knows one password.
class gsasl_server {
 public:
  gsasl_server(const char* mechanism, std::string password, std::string binding = {})
      : password_(std::move(password)), binding_(std::move(binding)) {
    EXPECT_EQ(gsasl_init(&context_), GSASL_OK);
    gsasl_callback_hook_set(context_, this);
    gsasl_callback_set(context_, &gsasl_server::callback);
    EXPECT_EQ(gsasl_server_start(context_, mechanism, &session_), GSASL_OK);
  }
  ~gsasl_server() {
    gsasl_finish(session_);
    gsasl_done(context_);
  }
  // GSASL_OK, GSASL_NEEDS_MORE or a failure.
  int step(const std::string& input, std::string& output) {
    char* out = nullptr;
    std::size_t size = 0;
    const int status = gsasl_step(session_, input.data(), input.size(), &out, &size);
    output = out == nullptr ? std::string{} : std::string(out, size);
    gsasl_free(out);
    return status;
  }

 private:
  static int callback(Gsasl* context, Gsasl_session* session, Gsasl_property wanted) {
    auto* self = static_cast<gsasl_server*>(gsasl_callback_hook_get(context));
    switch (wanted) {
      case GSASL_PASSWORD:
        return gsasl_property_set(session, GSASL_PASSWORD, self->password_.c_str());
      case GSASL_SCRAM_ITER:
        return gsasl_property_set(session, GSASL_SCRAM_ITER, "4096");
      case GSASL_CB_TLS_EXPORTER:
        if (self->binding_.empty()) return GSASL_NO_CALLBACK;
        return gsasl_property_set(session, GSASL_CB_TLS_EXPORTER, to_base64(self->binding_).c_str());
      case GSASL_VALIDATE_SIMPLE: {
        const char* given = gsasl_property_fast(session, GSASL_PASSWORD);
        return given != nullptr && self->password_ == given ? GSASL_OK : GSASL_AUTHENTICATION_ERROR;
      }
      default:
        return GSASL_NO_CALLBACK;
    }
  }

  std::string password_;
  std::string binding_;
  Gsasl* context_ = nullptr;
  Gsasl_session* session_ = nullptr;
};

// Signs the machine in with the mechanism; true: it is in.
bool sign_in(const char* mechanism, const char* server_password, const std::string& binding = {}) {
  dialogue with(dialogue::with_sign_in());
  with.connect();
  with.server("220 mx\r\n");
  with.server(ehlo_starttls);
  with.server("220 go\r\n");
  with.secured(binding);
  with.wrote();
  with.server(std::string("250-mx\r\n250 AUTH ") + mechanism + "\r\n");
  gsasl_server server(mechanism, server_password, binding);
  std::string line = with.wrote();
  const std::string command = std::string("AUTH ") + mechanism;
  EXPECT_TRUE(line.starts_with(command)) << line;
  std::string input;
  const bool has_initial = line.size() > command.size() + 2;
  if (has_initial) input = from_base64(line.substr(command.size() + 1, line.size() - command.size() - 3), 4096).value();
  std::string output;
  int status = server.step(input, output);
  for (int round = 0; round < 6; ++round) {
    if (status != GSASL_OK && status != GSASL_NEEDS_MORE) {
      with.server("535 5.7.8 no\r\n");
      break;
    }
    if (status == GSASL_OK && output.empty()) {
      with.server("235 ok\r\n");
      break;
    }
    with.server("334 " + to_base64(output) + "\r\n");
    line = with.wrote();
    if (with.closed) break;
    input = from_base64(line.substr(0, line.size() - 2), 4096).value();
    if (status == GSASL_OK) {  // that was the last message
      with.server("235 ok\r\n");
      break;
    }
    status = server.step(input, output);
  }
  EXPECT_EQ(with.fsm.dialogue().find("secret"), std::string::npos);
  return with.times_opened == 1;
}

TEST(SignIn, EveryMechanismWorksAgainstAnotherServer) {
  for (const char* mechanism : {"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"}) {
    EXPECT_TRUE(sign_in(mechanism, "secret")) << mechanism;
    EXPECT_FALSE(sign_in(mechanism, "another")) << mechanism;
  }
}

TEST(SignIn, ScramIsBoundToTheChannelWhereItCanBe) {
  EXPECT_TRUE(sign_in("SCRAM-SHA-256-PLUS", "secret", std::string(32, 'b')));
}

// Up to the AUTH command, over TLS.
void reach_auth(dialogue& with, const char* mechanisms) {
  with.connect();
  with.server("220 mx\r\n");
  with.server(ehlo_starttls);
  with.server("220 go\r\n");
  with.secured();
  with.wrote();
  with.server(std::string("250-mx\r\n250 AUTH ") + mechanisms + "\r\n");
}

TEST(SignIn, AMechanismThatTheServerDoesNotKnowAfterAllGivesWayToTheNext) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "SCRAM-SHA-256 PLAIN");
  EXPECT_THAT(with.wrote(), HasSubstr("AUTH SCRAM-SHA-256 "));
  with.server("504 5.5.4 unrecognized\r\n");
  EXPECT_THAT(with.wrote(), HasSubstr("AUTH PLAIN "));
  with.server("235 ok\r\n");
  EXPECT_EQ(with.times_opened, 1);
}

TEST(SignIn, ARejectedPasswordIsNotTriedAgain) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "PLAIN LOGIN");
  with.wrote();
  with.server("535 5.7.8 no\r\n");
  EXPECT_EQ(with.wrote(), "");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "AUTH_REJECTED");
}

TEST(SignIn, ABrokenChallengeIsCancelledAndTheNextMechanismTried) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "SCRAM-SHA-1 PLAIN");
  with.wrote();
  with.server("334 !!! no base64\r\n");
  EXPECT_EQ(with.wrote(), "*\r\n");
  with.server("501 5.7.0 cancelled\r\n");
  EXPECT_THAT(with.wrote(), HasSubstr("AUTH PLAIN "));
}

TEST(SignIn, AnIterationBombIsRefused) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "SCRAM-SHA-256");
  std::string line = with.wrote();
  const std::string first = from_base64(line.substr(19, line.size() - 21), 4096).value();
  const std::string nonce = first.substr(first.find("r=") + 2);
  with.server("334 " + to_base64("r=" + nonce + "x,s=" + to_base64("salt") + ",i=4000000000") + "\r\n");
  EXPECT_EQ(with.wrote(), "*\r\n");
  with.server("501 cancelled\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "PROTOCOL_VIOLATION");
}

TEST(SignIn, AYesWithoutTheServersProofIsNone) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "SCRAM-SHA-256 PLAIN");
  with.wrote();
  with.server("235 welcome\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "AUTH_SERVER_UNVERIFIED");
}

TEST(SignIn, AWrongServerSignatureGetsNoOtherMechanism) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "SCRAM-SHA-256 PLAIN");
  std::string line = with.wrote();
  const std::string first = from_base64(line.substr(19, line.size() - 21), 4096).value();
  const std::string nonce = first.substr(first.find("r=") + 2);
  with.server("334 " + to_base64("r=" + nonce + "x,s=" + to_base64("salt") + ",i=4096") + "\r\n");
  with.wrote();
  with.server("334 " + to_base64("v=" + to_base64(std::string(32, 'x'))) + "\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "AUTH_SERVER_UNVERIFIED");
  EXPECT_THAT(with.all_written, Not(HasSubstr("AUTH PLAIN")));
}

TEST(SignIn, ALongTokenWaitsForTheFirstChallenge) {
  fsm_settings settings = dialogue::with_sign_in();
  settings.sign_in.authentication = "xoauth2";
  dialogue with(settings);
  with.password = std::string(2000, 't');
  reach_auth(with, "XOAUTH2");
  EXPECT_EQ(with.wrote(), "AUTH XOAUTH2\r\n");
  with.server("334 \r\n");
  EXPECT_GT(with.wrote().size(), 2000U);
  with.server("235 ok\r\n");
  EXPECT_EQ(with.times_opened, 1);
}

TEST(SignIn, ARefusedTokenIsAnsweredAndRejected) {
  fsm_settings settings = dialogue::with_sign_in();
  settings.sign_in.authentication = "xoauth2";
  dialogue with(settings);
  reach_auth(with, "XOAUTH2");
  with.wrote();
  with.server("334 " + to_base64("{\"status\":\"401\"}") + "\r\n");
  EXPECT_EQ(with.wrote(), "\r\n");
  with.server("535 5.7.8 no\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "AUTH_REJECTED");
}

TEST(SignIn, ABlankUserNameSignsNobodyIn) {
  dialogue with(dialogue::with_starttls());
  reach_auth(with, "PLAIN");
  EXPECT_EQ(with.times_opened, 1);
  EXPECT_THAT(with.all_written, Not(HasSubstr("AUTH")));
}

TEST(SignIn, PlainGivesItsAnswerOnce) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "PLAIN");
  EXPECT_THAT(with.wrote(), HasSubstr("AUTH PLAIN "));
  with.server("334 \r\n");
  EXPECT_EQ(with.wrote(), "*\r\n");
  with.server("501 5.7.0 cancelled\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "PROTOCOL_VIOLATION");
}

TEST(SignIn, APlainThatWaitedForItsChallengeGivesItsAnswerOnceToo) {
  dialogue with(dialogue::with_sign_in());
  with.password = std::string(600, 'p');
  reach_auth(with, "PLAIN");
  EXPECT_EQ(with.wrote(), "AUTH PLAIN\r\n");
  with.server("334 \r\n");
  EXPECT_GT(with.wrote().size(), 600U);
  with.server("334 \r\n");
  EXPECT_EQ(with.wrote(), "*\r\n");
}

TEST(SignIn, AnExchangeOfTooManyChallengesGivesWayToTheNextMechanism) {
  fsm_settings settings = dialogue::plain();
  settings.username = "user";
  settings.sign_in.has_username = true;
  settings.sign_in.allow_plaintext = true;
  dialogue clear(settings);
  clear.connect();
  clear.server("220 mx\r\n");
  clear.wrote();
  clear.server("250-mx\r\n250 AUTH CRAM-MD5 PLAIN\r\n");
  EXPECT_EQ(clear.wrote(), "AUTH CRAM-MD5\r\n");
  for (int i = 0; i < 8; ++i) {
    clear.server("334 \r\n");
    EXPECT_EQ(clear.wrote(), "\r\n") << i;
  }
  clear.server("334 \r\n");
  EXPECT_EQ(clear.wrote(), "*\r\n");
  clear.server("501 cancelled\r\n");
  EXPECT_THAT(clear.wrote(), HasSubstr("AUTH PLAIN "));
}

TEST(SignIn, ARejectionAfterTooManyChallengesIsNotTriedAgain) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "PLAIN LOGIN");
  with.wrote();
  with.server("334 \r\n");
  EXPECT_EQ(with.wrote(), "*\r\n");
  with.server("535 5.7.8 no\r\n");
  EXPECT_EQ(with.wrote(), "");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->code, "AUTH_REJECTED");
}

TEST(SignIn, TheWholeOpeningHasOneDeadline) {
  fsm_settings settings = dialogue::with_sign_in();
  settings.command_timeout = milliseconds{100};
  for (const int session : {0, 250, 1000}) {
    settings.session_timeout = milliseconds{session};
    const int whole = session == 250 ? 250 : 300;
    dialogue with(settings);
    with.connect();
    EXPECT_EQ(with.deadline_set, milliseconds{100});
    with.now += milliseconds{90};
    with.server("220 mx\r\n");
    EXPECT_EQ(with.deadline_set, milliseconds{100});
    with.now += milliseconds{90};
    with.server(ehlo_starttls);
    EXPECT_EQ(with.deadline_set, milliseconds{std::min(100, whole - 180)});
    with.now += milliseconds{60};
    with.server("220 go\r\n");
    with.secured();
    EXPECT_EQ(with.deadline_set, milliseconds{whole - 240});
    with.now += milliseconds{5};
    with.server("250-mx\r\n250 AUTH LOGIN\r\n");
    with.server("334 VXNlcm5hbWU6\r\n");
    EXPECT_EQ(with.deadline_set, milliseconds{whole - 245});
    with.now += milliseconds{whole - 245};
    with.deadline();
    ASSERT_TRUE(with.opening_failed);
    EXPECT_EQ(with.opening_failed->code, "COMMAND_TIMEOUT");
    EXPECT_THAT(with.opening_failed->detail, HasSubstr("opening of the connection"));
  }
}

TEST(SignIn, CredentialsThatTheServerRepeatsAreHidden) {
  const std::string whole = to_base64(std::string("\0user\0secret", 12));
  for (const std::string& echo : {whole, whole.substr(0, 13), std::string("user/secret"), std::string("SECRET")}) {
    for (const char* code : {"501 5.5.4 ", "535 5.7.8 ", "454 4.7.0 ", "421 4.7.0 ", "354 "}) {
      dialogue with(dialogue::with_sign_in());
      reach_auth(with, "PLAIN");
      with.server(code + ("cannot decode AUTH PLAIN " + echo + ", sorry\r\n"));
      ASSERT_TRUE(with.opening_failed) << code << echo;
      const std::string& said = with.opening_failed->server_reply;
      EXPECT_THAT(said, HasSubstr(std::string(code) + "cannot decode AUTH PLAIN "));
      EXPECT_THAT(said, HasSubstr("***, sorry"));
      for (const std::string& shown : {said, with.opening_failed->detail, with.fsm.dialogue()}) {
        EXPECT_EQ(shown.find(echo), std::string::npos) << shown;
        EXPECT_EQ(shown.find("secret"), std::string::npos) << shown;
      }
    }
  }
}

TEST(SignIn, CredentialsOfAnEarlierMechanismAreHiddenToo) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "PLAIN LOGIN");
  with.server("504 5.5.4 no AUTH PLAIN " + to_base64(std::string("\0user\0secret", 12)) + "\r\n");
  with.server("334 VXNlcm5hbWU6\r\n");
  with.server("334 UGFzc3dvcmQ6\r\n");
  with.server("535 5.7.8 user, " + to_base64("secret") + " " + to_base64(std::string("\0user\0secret", 12)) + "\r\n");
  ASSERT_TRUE(with.opening_failed);
  EXPECT_EQ(with.opening_failed->server_reply, "535 5.7.8 user, *** ***");
  EXPECT_THAT(with.fsm.dialogue(), HasSubstr("504 5.5.4 no AUTH PLAIN ***"));
}

TEST(SignIn, AYesThatRepeatsThePasswordIsHiddenInTheDialogue) {
  dialogue with(dialogue::with_sign_in());
  reach_auth(with, "PLAIN");
  with.server("235 welcome, secret\r\n");
  EXPECT_EQ(with.times_opened, 1);
  EXPECT_THAT(with.fsm.dialogue(), HasSubstr("235 welcome, ***"));
}

}  // namespace
}  // namespace tocsin::smtp::testing
