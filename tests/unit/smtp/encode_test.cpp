// base64, encoded words, phrases.
#include "plugins/channels/smtp/mime/encode.hpp"

#include <gtest/gtest.h>

namespace tocsin::smtp {
namespace {

std::string unstructured(std::string_view text) {
  std::string out = "Subject: ";
  append_unstructured(out, text, out.size());
  return out;
}

std::string phrase(std::string_view text) {
  std::string out;
  append_phrase(out, text, 6);
  return out;
}

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    longest = std::max(longest, end);
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return longest;
}

TEST(Base64, GoesThereAndBack) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (std::size_t size = 0; size <= all.size(); ++size) {
    const std::string part = all.substr(0, size);
    EXPECT_EQ(from_base64(to_base64(part), 256), part);
  }
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Z g=", "Zm9\n", "=Zg="}) {
    EXPECT_FALSE(from_base64(text, 100)) << text;
  }
  EXPECT_FALSE(from_base64("Zm9v", 2));
}

TEST(Unstructured, PlainTextStaysAsItIs) { EXPECT_EQ(unstructured("License expires"), "Subject: License expires"); }

TEST(Unstructured, LongTextIsFoldedAtItsSpaces) {
  const std::string text = "word word word word word word word word word word word word word word word word word word";
  const std::string folded = unstructured(text);
  EXPECT_LE(longest_line(folded), 78U);
  std::string unfolded = folded;
  for (std::size_t at = unfolded.find("\r\n"); at != std::string::npos; at = unfolded.find("\r\n"))
    unfolded.erase(at, 2);
  EXPECT_EQ(unfolded, "Subject: " + text);
}

TEST(Unstructured, AWordThatFitsNoLineIsEncoded) {
  const std::string folded = unstructured(std::string(300, 'x'));
  EXPECT_LE(longest_line(folded), 78U);
  EXPECT_NE(folded.find("=?UTF-8?Q?xxx"), std::string::npos);
}

TEST(Unstructured, LineBreaksNeverAddAHeader) {
  const std::string field = unstructured("a\r\nBcc: x@example.org\n\nbody\rb");
  EXPECT_EQ(field, unstructured("a Bcc: x@example.org  body b"));
  for (std::size_t at = field.find('\n'); at != std::string::npos; at = field.find('\n', at + 1)) {
    ASSERT_GT(at, 0U);
    EXPECT_EQ(field[at - 1], '\r');
    EXPECT_EQ(field[at + 1], ' ');  // a fold, nothing else
  }
}

TEST(Unstructured, NulBecomesASpace) { EXPECT_EQ(unstructured(std::string_view("a\0b", 3)), "Subject: a b"); }

TEST(Unstructured, WhatLooksEncodedIsEncoded) {
  EXPECT_EQ(unstructured("=?UTF-8?Q?x?=").find("=?UTF-8?Q?x?="), std::string::npos);
}

TEST(Unstructured, ACharacterIsNeverSplit) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "\xf0\x9f\x94\xa5";  // four bytes each
  const std::string field = unstructured(text);
  EXPECT_LE(longest_line(field), 78U);
  std::string_view rest = field;
  std::string decoded;
  while (true) {
    const std::size_t begin = rest.find("=?UTF-8?B?");
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin + 10);
    const std::size_t end = rest.find("?=");
    const auto word = from_base64(rest.substr(0, end), 100);
    ASSERT_TRUE(word);
    EXPECT_EQ(word->size() % 4, 0U) << "a character was split";
    decoded += *word;
    rest.remove_prefix(end + 2);
  }
  EXPECT_EQ(decoded, text);
}

TEST(Unstructured, BrokenUtf8BecomesTheReplacementCharacter) {
  EXPECT_NE(unstructured("mostly ASCII, but \xff\xc3").find("=EF=BF=BD=EF=BF=BD"), std::string::npos);
}

TEST(Phrase, IsPlainQuotedOrEncodedAsItNeeds) {
  EXPECT_EQ(phrase("Acme Automation"), "Acme Automation");
  EXPECT_EQ(phrase("Acme, Inc."), "\"Acme, Inc.\"");
  EXPECT_EQ(phrase("The \"best\" \\o/"), "\"The \\\"best\\\" \\\\o/\"");
  EXPECT_EQ(phrase("J\xc3\xb6rg"), "=?UTF-8?Q?J=C3=B6rg?=");
  EXPECT_EQ(phrase("evil\r\nBcc: x"), "\"evil Bcc: x\"");
}

}  // namespace
}  // namespace tocsin::smtp
