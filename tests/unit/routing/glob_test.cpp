// Globs: '*' stands for any text, everything else for itself.
#include "core/routing/router.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace tocsin {
namespace {

// The plainest definition there is, to compare with.
bool matches_by_definition(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '*') {
    return !text.empty() && pattern.front() == text.front() && matches_by_definition(pattern.substr(1), text.substr(1));
  }
  for (std::size_t skipped = 0; skipped <= text.size(); ++skipped) {
    if (matches_by_definition(pattern.substr(1), text.substr(skipped))) return true;
  }
  return false;
}

TEST(Glob, WithoutAStarMatchesTheSameTextOnly) {
  EXPECT_TRUE(matches_glob("tocsin.job.faulted", "tocsin.job.faulted"));
  EXPECT_FALSE(matches_glob("tocsin.job.faulted", "tocsin.job.faulted2"));
  EXPECT_FALSE(matches_glob("tocsin.job.faulted", "tocsin.job.faulte"));
  EXPECT_FALSE(matches_glob("Tocsin", "tocsin"));
  EXPECT_TRUE(matches_glob("", ""));
  EXPECT_FALSE(matches_glob("", "a"));
}

TEST(Glob, StarMatchesAnyTextAndNone) {
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("*", "tocsin.job.faulted"));
  EXPECT_TRUE(matches_glob("tocsin.license.*", "tocsin.license.expiring"));
  EXPECT_TRUE(matches_glob("tocsin.license.*", "tocsin.license."));
  EXPECT_FALSE(matches_glob("tocsin.license.*", "tocsin.license"));
  EXPECT_TRUE(matches_glob("*.expiring", "tocsin.license.expiring"));
  EXPECT_TRUE(matches_glob("tocsin.*.expiring", "tocsin.license.expiring"));
  EXPECT_FALSE(matches_glob("tocsin.*.expiring", "tocsin.license.expired"));
}

TEST(Glob, OtherPatternCharactersStandForThemselves) {
  EXPECT_FALSE(matches_glob("a?c", "abc"));
  EXPECT_TRUE(matches_glob("a?c", "a?c"));
  EXPECT_FALSE(matches_glob("a[b]c", "abc"));
  EXPECT_FALSE(matches_glob("a.c", "abc"));
}

TEST(Glob, AgreesWithItsDefinitionOnRandomText) {
  std::mt19937 random(20231);
  int matched = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern, text;
    for (auto n = random() % 8; n > 0; --n) pattern += "ab*"[random() % 3];
    for (auto n = random() % 10; n > 0; --n) text += "ab"[random() % 2];
    const bool expected = matches_by_definition(pattern, text);
    matched += expected;
    ASSERT_EQ(matches_glob(pattern, text), expected) << '"' << pattern << "\" against \"" << text << '"';
  }
  EXPECT_GT(matched, 1'000);
}

TEST(Glob, EndsSoonOnAPatternMadeToBacktrack) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  pattern += "b";
  EXPECT_FALSE(matches_glob(pattern, std::string(20'000, 'a')));
}

}  // namespace
}  // namespace tocsin
