#include "core/observe/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace tocsin::log {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class Log : public testing::Test {
 protected:
  Log() {
    capture([](void* context, std::string_view line) { static_cast<Log*>(context)->lines.emplace_back(line); }, this);
  }
  ~Log() override { capture(nullptr, nullptr); }

  std::vector<std::string> lines;
};

TEST_F(Log, WritesALineWithItsFields) {
  write(level::info, "delivered", {{"channel", "email"}, {"reply", "250 2.0.0 Ok: queued"}, {"empty", ""}});
  EXPECT_THAT(lines, ElementsAre(EndsWith("Z info delivered channel=email reply=\"250 2.0.0 Ok: queued\" empty=\"\"")));
}

TEST_F(Log, KeepsALineBreakInAValueFromForgingALine) {
  write(level::warn, "refused", {{"reply", "550 no\r\n2026-01-01T00:00:00Z info delivered"}});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], Not(HasSubstr("\n")));
  EXPECT_THAT(lines[0], HasSubstr("\\u000d\\u000a"));
}

TEST_F(Log, BlotsOutSecretsRawAndInBase64) {
  add_secret("correct horse");
  write(level::info, "told", {{"a", "pass=correct horse!"}, {"b", "AUTH PLAIN Y29ycmVjdCBob3JzZQ=="}});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], Not(HasSubstr("correct horse")));
  EXPECT_THAT(lines[0], Not(HasSubstr("Y29ycmVjdCBob3JzZ")));
  EXPECT_THAT(lines[0], HasSubstr("***"));
}

TEST_F(Log, BlotsOutASecretThatIsEscapedInTheLine) {
  add_secret("quo\"te\\d");
  write(level::info, "told", {{"a", "x quo\"te\\d y"}});
  EXPECT_THAT(lines[0], HasSubstr("a=\"x *** y\""));
}

TEST_F(Log, LeavesShortTextsAlone) {
  add_secret("ok");
  EXPECT_EQ(redact("ok then"), "ok then");
}

TEST_F(Log, BlotsOutTheWholeOfSecretsThatHoldOneAnotherOrOverlap) {
  add_secret("pass");
  add_secret("password-of-acme");
  add_secret("of-acme-and-more");
  EXPECT_EQ(redact("it is password-of-acme, no pass."), "it is ***, no ***.");
  EXPECT_EQ(redact("<password-of-acme-and-more>"), "<***>");
  EXPECT_EQ(redact("password-of-acm"), "***word-of-acm");
}

TEST_F(Log, ShowsASecretToNoThreadOnceItWasAdded) {
  EXPECT_EQ(redact("told in between"), "told in between");
  std::thread([] { add_secret("in between"); }).join();
  EXPECT_EQ(redact("told in between"), "told ***");
}

TEST_F(Log, ForgetsASecretThatWasNotAddedAgainSinceItForgotLast) {
  add_secret("old-secret-value");
  add_secret("kept-secret-value");
  forget_unused_secrets();
  EXPECT_EQ(redact("old-secret-value"), "***");
  add_secret("kept-secret-value");
  forget_unused_secrets();
  EXPECT_EQ(redact("old-secret-value"), "old-secret-value");
  EXPECT_EQ(redact("kept-secret-value a2VwdC1zZWNyZXQtdmFsdWU="), "*** ***U=");
}

}  // namespace
}  // namespace tocsin::log
