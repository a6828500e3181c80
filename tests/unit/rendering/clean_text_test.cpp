// Tests of foreign text made fit for a message.
#include "core/rendering/clean_text.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(CleanText, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(clean_text("Grüße, 世界 😀\tend", 100), "Grüße, 世界 😀\tend");
  EXPECT_EQ(one_line("Grüße, 世界 😀", 100), "Grüße, 世界 😀");
}

TEST(CleanText, MakesEveryLineBreakALineFeed) {
  EXPECT_EQ(clean_text("a\r\nb\rc\nd\xE2\x80\xA8"
                       "e\xC2\x85"
                       "f",
                       100),
            "a\nb\nc\nd\ne\nf");
}

TEST(CleanText, ReplacesControlCharactersAndBrokenUtf8) {
  EXPECT_EQ(clean_text(std::string_view("a\0b\x1b[31m", 8), 100), "a\uFFFDb\uFFFD[31m");
  EXPECT_EQ(clean_text("\xC0\xAF", 100), "\uFFFD\uFFFD") << "overlong";
  EXPECT_EQ(clean_text("\xED\xA0\x80", 100), "\uFFFD\uFFFD\uFFFD") << "a surrogate";
  EXPECT_EQ(clean_text("\xF5\x80\x80\x80", 100), "\uFFFD\uFFFD\uFFFD\uFFFD") << "beyond Unicode";
  EXPECT_EQ(clean_text("a\xE4\xB8", 100), "a\uFFFD\uFFFD") << "cut in the middle";
}

TEST(CleanText, CutsAtACharacter) {
  EXPECT_EQ(clean_text("äöü", 6), "äöü");
  EXPECT_EQ(clean_text("äöü", 5), "äö…");
  EXPECT_EQ(clean_text("äöü", 4), "äö…");
}

TEST(OneLine, JoinsLinesAndSpaces) {
  EXPECT_EQ(one_line("  a\r\nBcc: x\t \v b\xE2\x80\xA9", 100), "a Bcc: x b");
  EXPECT_EQ(one_line("\n\n", 100), "");
}

TEST(OneLine, LeavesOutWhatTurnsTheDirectionOfWriting) {
  EXPECT_EQ(one_line("invoice\u202Efdp.exe\u2066", 100), "invoicefdp.exe");
}

TEST(OneLine, HasAtMostSoManyCharacters) {
  EXPECT_EQ(one_line("äöüß", 4), "äöüß");
  EXPECT_EQ(one_line("äöüßx", 4), "äöü…");
  EXPECT_EQ(one_line("ab cd", 4), "ab…") << "no space before the ellipsis";
  EXPECT_EQ(one_line("abc d", 4), "abc…");
  EXPECT_EQ(count_characters(one_line(std::string(100000, 'x'), 200)), 200u);
}

}  // namespace
}  // namespace tocsin
