// Tests of the schema checker by itself, on JSON values.
#include "core/settings/schema.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace tocsin {
namespace {

namespace json = boost::json;

struct checked {
  std::optional<json::value> value;
  faults errors;
};

checked check(std::string_view value, std::string_view schema) {
  checked result;
  result.value = check_value(to_setting_node(json::parse(value)), json::parse(schema).as_object(),
                             {"test.toml", "key", "/srv"}, result.errors);
  EXPECT_EQ(result.value.has_value(), result.errors.empty());
  return result;
}

bool takes(std::string_view value, std::string_view schema) { return check(value, schema).value.has_value(); }

TEST(Schema, TakesEachTypeAndNoOther) {
  const char* values[] = {R"("a")", "1", "1.5", "true", "[1]", R"({"a": 1})"};
  const char* types[] = {"string", "integer", "number", "boolean", "array"};
  for (const char* type : types) {
    for (const char* value : values) {
      const std::string schema = std::string(R"({"type": ")") + type + "\"}";
      const bool wanted = (std::string(type) == "string" && value[0] == '"') ||
                          (std::string(type) == "integer" && std::string(value) == "1") ||
                          (std::string(type) == "number" && value[0] == '1') ||
                          (std::string(type) == "boolean" && value[0] == 't') ||
                          (std::string(type) == "array" && value[0] == '[');
      EXPECT_EQ(takes(value, schema), wanted) << value << " as " << type;
    }
  }
  EXPECT_FALSE(takes("null", R"({"type": "string"})"));
}

TEST(Schema, SaysWhatWasFoundAndWhatIsWanted) {
  const auto result = check(R"("587")", R"({"type": "integer"})");
  EXPECT_EQ(result.errors.at(0).what, "It must be an integer, and this is a string.");
  EXPECT_EQ(result.errors.at(0).remedy, "Write a whole number without quotes.");
  EXPECT_EQ(result.errors.at(0).place.key, "key");
  EXPECT_EQ(result.errors.at(0).place.file, "test.toml");
}

TEST(Schema, KeepsNumbersInTheirRange) {
  const char* schema = R"({"type": "integer", "minimum": 1, "maximum": 65535})";
  EXPECT_TRUE(takes("1", schema));
  EXPECT_TRUE(takes("65535", schema));
  EXPECT_FALSE(takes("0", schema));
  EXPECT_FALSE(takes("65536", schema));
  EXPECT_EQ(check("70000", schema).errors.at(0).to_string(),
            "test.toml: key: 70000 is out of range. Write a number from 1 to 65535.");
  EXPECT_EQ(check("0", R"({"type": "integer", "minimum": 1})").errors.at(0).remedy, "Write a number from 1 on.");
}

TEST(Schema, NamesTheAcceptedValuesAndTheNearest) {
  const char* schema = R"({"type": "string", "enum": ["auto", "starttls", "implicit"]})";
  EXPECT_TRUE(takes(R"("auto")", schema));
  const auto result = check(R"("startls")", schema);
  EXPECT_EQ(result.errors.at(0).what, "\"startls\" is not accepted here.");
  EXPECT_EQ(result.errors.at(0).remedy, "Did you mean \"starttls\"? Accepted: \"auto\", \"starttls\" or \"implicit\".");
}

TEST(Schema, CountsCharactersNotBytes) {
  const char* schema = R"({"type": "string", "minLength": 2, "maxLength": 3})";
  EXPECT_TRUE(takes("\"\u00e9\u00e9\u00e9\"", schema));
  EXPECT_FALSE(takes("\"\u00e9\"", schema));
  EXPECT_FALSE(takes(R"("abcd")", schema));
}

TEST(Schema, MatchesPatternsAgainstTheWholeValue) {
  const char* schema = R"({"type": "string", "pattern": "[a-z]+"})";
  EXPECT_TRUE(takes(R"("abc")", schema));
  EXPECT_FALSE(takes(R"("abc1")", schema));
  EXPECT_FALSE(takes("\"" + std::string(1'000'000, 'a') + "\"", schema)) << "and a long text does not use up the stack";
}

TEST(Schema, TurnsDurationsSizesAndPathsIntoWhatPluginsGet) {
  EXPECT_EQ(*check(R"("90s")", R"({"type": "string", "format": "duration"})").value, json::value(90000));
  EXPECT_EQ(*check(R"("2KiB")", R"({"type": "string", "format": "size"})").value, json::value(2048));
  EXPECT_EQ(*check(R"("a/../b")", R"({"type": "string", "format": "path"})").value, json::value("/srv/b"));
  EXPECT_EQ(*check(R"("/etc/x")", R"({"type": "string", "format": "path"})").value, json::value("/etc/x"));
  EXPECT_EQ(*check(R"("")", R"({"type": "string", "format": "path"})").value, json::value(""));
  EXPECT_EQ(check(R"("5 minutes")", R"({"type": "string", "format": "duration"})").errors.at(0).to_string(),
            "test.toml: key: \"5 minutes\" is not a duration. Write an integer and ms, s, m, h or d in quotes, such as "
            "\"30s\".");
  EXPECT_FALSE(takes(R"("8MB")", R"({"type": "string", "format": "size"})"));
}

TEST(Schema, NeverRepeatsASecretThatIsWrittenOut) {
  const auto result = check(R"("hunter2")", R"({"type": "string", "format": "secret"})");
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].to_string().find("hunter2"), std::string::npos);
  EXPECT_NE(result.errors[0].remedy.find("env:NAME"), std::string::npos);
  EXPECT_EQ(*check(R"("")", R"({"type": "string", "format": "secret"})").value, json::value(nullptr));
  EXPECT_EQ(*check(R"("file:pw")", R"({"type": "string", "format": "secret"})").value, json::value("file:/srv/pw"));
}

TEST(Schema, ChecksItemsAndMembersAndReportsAllFaults) {
  const char* schema = R"({"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string"},
    "ports": {"type": "array", "items": {"type": "integer", "maximum": 9}},
    "inner": {"type": "object", "properties": {"on": {"type": "boolean", "default": true}}}}})";
  EXPECT_EQ(*check(R"({"name": "a", "ports": [1, 2]})", schema).value,
            json::parse(R"({"name": "a", "ports": [1, 2], "inner": {"on": true}})"));
  const auto result = check(R"({"ports": [1, 10, "x"], "inner": {"of": true}, "nam": "a"})", schema);
  ASSERT_EQ(result.errors.size(), 5u);
  EXPECT_EQ(result.errors[0].place.key, "key.ports[1]");
  EXPECT_EQ(result.errors[1].place.key, "key.ports[2]");
  EXPECT_EQ(result.errors[2].place.key, "key.inner.of");
  EXPECT_EQ(result.errors[2].remedy, "Did you mean \"on\"? Known here: \"on\".");
  EXPECT_EQ(result.errors[3].place.key, "key.nam");
  EXPECT_EQ(result.errors[4].to_string(), "test.toml: key.name: It is missing. Write a text in quotes.");
}

TEST(Schema, GivesTheLeavesOfOneLevelWithoutWhatIsNotWritten) {
  faults errors;
  const auto schema = json::parse(R"({"type": "object", "required": ["a"], "properties": {
    "a": {"type": "string"}, "t": {"type": "object", "properties": {"x": {"type": "string", "format": "duration"}}}}})")
                          .as_object();
  const auto leaves = check_table(to_setting_node(json::parse(R"({"t": {"x": "2s"}})")), schema, {"f", "k", "/"},
                                  unknown_keys::refuse, errors);
  EXPECT_TRUE(errors.empty());
  ASSERT_EQ(leaves.size(), 1u);
  EXPECT_EQ(leaves[0].key, "t.x");
  EXPECT_EQ(leaves[0].value, json::value(2000));
  EXPECT_EQ(leaves[0].shown, json::value("2s"));
  ASSERT_EQ(leaves_of(schema).size(), 2u);
  EXPECT_TRUE(leaves_of(schema)[0].required);
  EXPECT_FALSE(leaves_of(schema)[1].required);
}

TEST(Schema, ReplacesSecretsWhereverTheyAre) {
  const auto schema = json::parse(R"({"type": "object", "properties": {
    "keys": {"type": "array", "items": {"type": "string", "format": "secret"}}, "name": {"type": "string"}}})")
                          .as_object();
  const auto replaced = replace_secrets(json::parse(R"({"keys": ["env:A", null], "name": "env:B"})"), schema,
                                        [](const std::string& text) { return json::value(text.size()); });
  EXPECT_EQ(replaced, json::parse(R"({"keys": [5, null], "name": "env:B"})"));
}

}  // namespace
}  // namespace tocsin
