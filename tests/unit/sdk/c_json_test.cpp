// The JSON of tocsin/c: what is written can be read again, whatever the text holds, and never past the buffer.
#include <gtest/gtest.h>
#include <tocsin/c/json.h>
#include <tocsin/sdk/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

tocsin_string lend(std::string_view text) { return {text.data(), text.size()}; }

std::string object_of(std::string_view value) {
  char out[512];
  tocsin_json json = tocsin_json_begin(out, sizeof(out));
  tocsin_json_add_text(&json, "text", lend(value));
  return tocsin_json_end(&json) < 0 ? "too long" : out;
}

std::string read_back(std::string_view value) {
  const std::string object = object_of(value);
  char text[256];
  const int size = tocsin_json_text(lend(object), "text", text, sizeof(text));
  return size < 0 ? "unreadable: " + object : std::string(text, static_cast<std::size_t>(size));
}

TEST(CJson, WritesEveryKindOfMember) {
  char out[128];
  tocsin_json json = tocsin_json_begin(out, sizeof(out));
  tocsin_json_add_text(&json, "name", tocsin_text("R2"));
  tocsin_json_add_integer(&json, "beat", INT64_MIN);
  tocsin_json_add_flag(&json, "alive", 0);
  tocsin_json_add_raw(&json, "list", tocsin_text("[1,2]"));
  const std::string_view expected = R"({"name":"R2","beat":-9223372036854775808,"alive":false,"list":[1,2]})";
  EXPECT_EQ(tocsin_json_end(&json), static_cast<int>(expected.size()));
  EXPECT_EQ(out, expected);
  EXPECT_EQ(tocsin_json_flag(lend(out), "alive", 1), 0);
  EXPECT_EQ(tocsin_json_flag(lend(out), "name", 1), 1);

  json = tocsin_json_begin(out, sizeof(out));
  EXPECT_EQ(tocsin_json_end(&json), 2);
  EXPECT_STREQ(out, "{}");
}

TEST(CJson, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(object_of("a \"b\" \\ c"), R"({"text":"a \"b\" \\ c"})");
  EXPECT_EQ(object_of("line\nline\t\x1f\x7f"), "{\"text\":\"line\\u000aline\\u0009\\u001f\x7f\"}");
  EXPECT_EQ(object_of(std::string_view("a\0b", 3)), R"({"text":"a\u0000b"})");
  for (int byte = 1; byte < 0x80; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    EXPECT_EQ(read_back(text), text) << byte;
    EXPECT_EQ(tocsin::sdk::json_reader(object_of(text)).text("text"), text) << byte;
  }
  char out[64];
  tocsin_json json = tocsin_json_begin(out, sizeof(out));
  tocsin_json_add_flag(&json, "a \"key\"", 1);
  tocsin_json_end(&json);
  EXPECT_STREQ(out, R"({"a \"key\"":true})");
}

TEST(CJson, LeavesUtf8AsItIsAndReplacesWhatIsNone) {
  for (const std::string_view good : {"\u00e9", "\u20ac", "\uffff", "\U0001f600", "\U0010ffff", "a\u00e9z"})
    EXPECT_EQ(read_back(good), good);
  const std::string mark = "\ufffd";
  EXPECT_EQ(read_back("a\xff z"), "a" + mark + " z");
  EXPECT_EQ(read_back("\x80"), mark);                                   // continues nothing
  EXPECT_EQ(read_back("\xc3"), mark);                                   // ends early
  EXPECT_EQ(read_back("\xe2\x82"), mark + mark);                        // as well
  EXPECT_EQ(read_back("\xc0\xaf"), mark + mark);                        // "/" in too long a form
  EXPECT_EQ(read_back("\xe0\x80\xaf"), mark + mark + mark);             // as well
  EXPECT_EQ(read_back("\xed\xa0\x80"), mark + mark + mark);             // half of a pair
  EXPECT_EQ(read_back("\xf4\x90\x80\x80"), mark + mark + mark + mark);  // beyond the last character
  EXPECT_EQ(read_back("\xc3\"}"), mark + "\"}");                        // a quote is not swallowed
}

TEST(CJson, WhatDoesNotFitIsEmptyAndSaysSo) {
  const std::string expected = R"({"text":"caf\"é"})";
  for (std::size_t size = 0; size <= expected.size() + 1; ++size) {
    std::vector<char> out(size + 1, '#');  // the last one is not the writer's
    tocsin_json json = tocsin_json_begin(out.data(), size);
    tocsin_json_add_text(&json, "text", lend("caf\"é"));
    const int written = tocsin_json_end(&json);
    EXPECT_EQ(out[size], '#') << size;
    if (size == expected.size() + 1) {
      EXPECT_EQ(written, static_cast<int>(expected.size()));
      EXPECT_EQ(std::string(out.data()), expected);
    } else {
      EXPECT_EQ(written, -1) << size;
      EXPECT_EQ(out[0], size > 0 ? '\0' : '#') << size;
    }
  }
}

}  // namespace
