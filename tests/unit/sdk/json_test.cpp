// The SDK's reader and writer of JSON.
#include <tocsin/sdk/json.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

namespace sdk = tocsin::sdk;

constexpr std::string_view settings =
    R"( { "path" : "/tmp/a\"b\\c", "limits":{"connections": 8,"rate":-3,"deep":{"x":true}} , "list":["a",{"b":[1]},3],
         "password":{"secret":17},"none":null,"off":false,"ratio":1.5,"empty":"","word":"\u00e9\ud83d\ude00\n" } )";

TEST(JsonReader, FindsMembersByDottedKeys) {
  const sdk::json_reader json(settings);
  EXPECT_EQ(json.text("path"), "/tmp/a\"b\\c");
  EXPECT_EQ(json.integer("limits.connections"), 8);
  EXPECT_EQ(json.integer("limits.rate"), -3);
  EXPECT_EQ(json.flag("limits.deep.x"), true);
  EXPECT_EQ(json.flag("off"), false);
  EXPECT_EQ(json.text("empty"), "");
  EXPECT_EQ(json.object("limits").integer("connections"), 8);
}

TEST(JsonReader, GivesNothingForWhatIsNotThereOrHasAnotherType) {
  const sdk::json_reader json(settings);
  EXPECT_EQ(json.text("nowhere"), std::nullopt);
  EXPECT_EQ(json.text("limits.nowhere.x"), std::nullopt);
  EXPECT_EQ(json.text("none"), std::nullopt);
  EXPECT_EQ(json.text("limits"), std::nullopt);
  EXPECT_EQ(json.integer("path"), std::nullopt);
  EXPECT_EQ(json.integer("ratio"), std::nullopt);
  EXPECT_EQ(json.flag("path"), std::nullopt);
  EXPECT_EQ(json.secret("none"), std::nullopt);
  EXPECT_EQ(json.secret("path"), std::nullopt);
}

TEST(JsonReader, KnowsASecretByItsHandle) { EXPECT_EQ(sdk::json_reader(settings).secret("password"), 17u); }

TEST(JsonReader, DecodesEscapesAndSurrogatePairs) {
  EXPECT_EQ(sdk::json_reader(settings).text("word"), "\xc3\xa9\xf0\x9f\x98\x80\n");
}

TEST(JsonReader, WalksAnArray) {
  std::vector<std::string> seen;
  sdk::json_reader(settings).for_each("list", [&](std::string_view value) { seen.emplace_back(value); });
  EXPECT_EQ(seen, (std::vector<std::string>{"\"a\"", "{\"b\":[1]}", "3"}));
}

TEST(JsonReader, StaysWithinTextThatEndsAnywhere) {
  const std::string whole(settings);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);  // its own allocation, so that a sanitizer sees a step too far
    const sdk::json_reader json(cut);
    EXPECT_EQ(json.text("missing"), std::nullopt);
    EXPECT_TRUE(!json.text("word") || size > whole.size() - 5);
  }
  EXPECT_EQ(sdk::json_reader(std::string(100000, '[')).text("a"), std::nullopt);
  EXPECT_EQ(sdk::json_reader("{\"a\":" + std::string(100000, '[')).raw("a"), "");
}

TEST(JsonWriter, WritesWhatTheReaderReads) {
  const std::string made = sdk::json_writer()
                               .text("name", "line\n\"quoted\" \\ \x01 é")
                               .integer("days", -7)
                               .flag("late", true)
                               .null("seats")
                               .raw("list", "[1,2]")
                               .str();
  EXPECT_EQ(made, R"({"name":"line\u000a\"quoted\" \\ \u0001 é","days":-7,"late":true,"seats":null,"list":[1,2]})");
  EXPECT_EQ(sdk::json_reader(made).text("name"), "line\n\"quoted\" \\ \x01 é");
  EXPECT_EQ(sdk::json_writer().str(), "{}");
}

}  // namespace
