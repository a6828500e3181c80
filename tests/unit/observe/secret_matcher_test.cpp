// Tests of the search for many secrets in one text.
#include "core/observe/secret_matcher.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace tocsin::log {
namespace {

// What redact() promises, in the plainest way.
std::string redact_plainly(const std::vector<std::string>& secrets, const std::string& text) {
  std::string clean;
  std::size_t covered_to = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::size_t longest = 0;
    for (const std::string& secret : secrets)
      if (secret.size() >= 4 && text.compare(at, secret.size(), secret) == 0)
        longest = std::max(longest, secret.size());
    if (longest > 0 && at >= covered_to) clean += "***";
    if (longest > 0) covered_to = std::max(covered_to, at + longest);
    if (at >= covered_to) clean += text[at];
  }
  return clean;
}

TEST(SecretMatcher, LeavesATextAloneThatHoldsNoSecret) {
  EXPECT_EQ(secret_matcher().redact("anything"), "anything");
  EXPECT_EQ(secret_matcher({"secret"}).redact(""), "");
  EXPECT_EQ(secret_matcher({"secret"}).redact("sec"), "sec");
  EXPECT_EQ(secret_matcher({"secret"}).redact("secre"), "secre");
}

TEST(SecretMatcher, BlotsOutEachPlaceOfASecret) {
  const secret_matcher one({"secret"});
  EXPECT_EQ(one.redact("secret"), "***");
  EXPECT_EQ(one.redact("a secret, secretsecret b"), "a ***, ****** b");
}

TEST(SecretMatcher, LeavesOutValuesThatAreTooShort) {
  EXPECT_EQ(secret_matcher({"abc", "", "abcd"}).redact("abc abcd"), "abc ***");
}

TEST(SecretMatcher, KnowsBytesBeyondAscii) {
  EXPECT_EQ(secret_matcher({"gr\xC3\xBC\xC3\x9F", std::string("a\0b\xFF", 4)}).redact("x gr\xC3\xBC\xC3\x9F y"),
            "x *** y");
}

TEST(SecretMatcher, DoesNotChangeTheOneThatItWasMadeFrom) {
  const secret_matcher before({"first"});
  const secret_matcher after = before.with({"second"});
  EXPECT_EQ(before.redact("first second"), "*** second");
  EXPECT_EQ(after.redact("first second"), "*** ***");
}

TEST(SecretMatcher, FindsWhatAPlainSearchFinds) {
  std::mt19937 random(7);
  const auto any_text = [&](std::size_t most) {
    std::string text(random() % (most + 1), ' ');
    for (char& c : text) c = static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> secrets;
    secret_matcher matcher;
    for (std::size_t count = random() % 40; count > 0; --count) {
      secrets.push_back(any_text(9));
      matcher = matcher.with({secrets.back()});
    }
    const std::string text = any_text(60);
    ASSERT_EQ(matcher.redact(text), redact_plainly(secrets, text)) << text;
    ASSERT_EQ(secret_matcher(secrets).redact(text), redact_plainly(secrets, text)) << text;
  }
}

// 20,000 that begin alike, added one by one, and texts that begin like all of them.
TEST(SecretMatcher, HoldsManySecretsThatBeginAlike) {
  secret_matcher many;
  for (int at = 0; at < 20'000; ++at) many = many.with({"password-" + std::to_string(at) + "-of-it"});
  std::string text;
  while (text.size() < 300) text += "the password-is, ";
  for (int at = 0; at < 1000; ++at) ASSERT_EQ(many.redact(text), text);
  EXPECT_EQ(many.redact("x password-19999-of-it y"), "x *** y");
  EXPECT_EQ(many.redact("x password-20000-of-it y"), "x password-20000-of-it y");
}

}  // namespace
}  // namespace tocsin::log
