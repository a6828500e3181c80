// Targets are taken apart as RFC 3986 has it.
#include "core/http/query.hpp"
#include "core/model/utf8.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(Query, SplitsPathFromQueryAtTheFirstMark) {
  EXPECT_EQ("/a", split_target("/a?b?c").path);
  EXPECT_EQ("b?c", split_target("/a?b?c").query);
  EXPECT_EQ("", split_target("/a").query);
  EXPECT_EQ("/a", split_target("/a?").path);
}

TEST(Query, UndoesPercentEncodingAndLeavesPlus) {
  const auto parsed = parse_query("a=%41%c3%A9+b&b=&c", {"a", "b", "c"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ("A\xc3\xa9+b", parsed->at("a"));
  EXPECT_EQ("", parsed->at("b"));
  EXPECT_EQ("", parsed->at("c"));
}

TEST(Query, PassesOverEmptyPieces) {
  const auto parsed = parse_query("&a=1&&", {"a"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(1u, parsed->size());
}

TEST(Query, TellsWhichNamesThereAre) {
  const auto parsed = parse_query("x=1", {"limit", "state"});
  ASSERT_FALSE(parsed);
  EXPECT_NE(std::string::npos, parsed.error().what.find("\"x\""));
  EXPECT_NE(std::string::npos, parsed.error().remedy.find("limit, state"));
}

TEST(Query, RefusesBrokenEncodingAtTheEnd) {
  for (const char* broken : {"a=%", "a=%4", "a=%4g", "%=1", "a=%80", "a=%c0%80", "a=%ed%a0%80"}) {
    EXPECT_FALSE(parse_query(broken, {"a"})) << broken;
  }
}

TEST(Utf8, KnowsWhatItIsNot) {
  for (const char* good : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Utf8, ReplacesOnlyWhatIsNoPartOfIt) {
  EXPECT_EQ("a\xef\xbf\xbd\xc3\xa9", make_utf8("a\xe9\xc3\xa9"));
  EXPECT_EQ("\xef\xbf\xbd\xef\xbf\xbd", make_utf8("\xe2\x82"));
}

}  // namespace
}  // namespace tocsin
