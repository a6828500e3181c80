// What is wrong with a manifest is said to its author, before any operator meets it.
#include "core/settings/manifest_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace tocsin {
namespace {

using testing::HasSubstr;

// "key: what" of the fault.
std::string fault_of(const std::string& members, const std::string& provides = "") {
  const auto read = read_manifest(R"({"id": "p", "version": "0.1.0", "abi": {"major": 1, "minor": 0}, "provides": [)" +
                                  provides + "], " + members + "}");
  return read ? "none" : read.error().place.key + ": " + read.error().what;
}
std::string fault_of_setting(const std::string& schema) {
  return fault_of(R"("settings": {"type": "object", "properties": {"a": )" + schema + "}}");
}

TEST(ManifestCheck, TakesEverythingThatAShippedPluginSays) {
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TOCSIN_PLUGIN_SOURCES)) {
    if (entry.path().filename() != "manifest.json") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto about = read_manifest(text);
    EXPECT_TRUE(about) << entry.path() << ": " << about.error().to_string();
    ++read;
  }
  EXPECT_GE(read, 4u);
}

TEST(ManifestCheck, StillSaysWhatTheReaderSays) {
  EXPECT_EQ(fault_of(R"("parts": ["body"])"), "parts[0]: must be subject, text or html.");
}

TEST(ManifestCheck, FindsARequiredSettingThatDoesNotExist) {
  EXPECT_EQ(fault_of(R"("settings": {"type": "object", "properties": {"path": {"type": "string"}},
                        "required": ["path", "pth"]})"),
            "settings.required[1]: names no property: there is no \"pth\"; did you mean \"path\"?");
  EXPECT_EQ(fault_of(R"("settings": {"type": "object", "required": ["anything"]})"),
            "settings.required[0]: names no property: there is no \"anything\".");
  EXPECT_EQ(fault_of_setting(R"({"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b", "b"]})"),
            "settings.properties.a.required[1]: is there twice.");
}

TEST(ManifestCheck, FindsADefaultThatItsOwnSchemaRefuses) {
  EXPECT_EQ(fault_of_setting(R"({"type": "integer", "minimum": 1, "default": 0})"),
            "settings.properties.a.default: 0 is refused by the schema that it stands in. 0 is out of range.");
  EXPECT_THAT(fault_of_setting(R"({"type": "string", "format": "duration", "default": 30000})"),
              HasSubstr("settings.properties.a.default: 30000 is refused"));
  EXPECT_THAT(fault_of_setting(R"({"type": "string", "enum": ["on", "off"], "default": "auto"})"),
              HasSubstr("\"auto\" is not accepted here."));
  EXPECT_THAT(fault_of_setting(R"({"type": "array", "items": {"type": "integer"}, "default": [1, "2"]})"),
              HasSubstr("settings.properties.a.default[1]: "));
  EXPECT_THAT(fault_of_setting(R"({"type": "object", "default": {"c": 1}, "properties": {"b": {"type": "string"}}})"),
              HasSubstr("settings.properties.a.default.c: "));
  EXPECT_EQ(fault_of_setting(R"({"type": "string", "format": "duration", "default": "30s"})"), "none");
}

TEST(ManifestCheck, FindsADefaultThatWouldNeverHold) {
  EXPECT_EQ(fault_of(R"("settings": {"type": "object", "properties": {"a": {"type": "string", "default": "x"}},
                        "required": ["a"]})"),
            "settings.required[0]: is required, so that its default would never hold: leave out one of the two.");
}

TEST(ManifestCheck, FindsAKeywordThatDoesNothing) {
  EXPECT_THAT(fault_of_setting(R"({"type": "integer", "minimun": 1})"),
              HasSubstr("settings.properties.a.minimun: is no keyword of a setting's schema; known are type, title"));
  EXPECT_EQ(fault_of_setting(R"({"type": "integer", "minLength": 1})"),
            "settings.properties.a.minLength: means nothing for the type integer.");
  EXPECT_EQ(fault_of_setting(R"({"type": "number", "minimum": 0.5, "maximum": 1.5, "default": 1})"), "none");
}

TEST(ManifestCheck, FindsASchemaThatNothingCanSatisfy) {
  EXPECT_EQ(fault_of_setting(R"({"type": "integer", "minimum": 2, "maximum": 1})"),
            "settings.properties.a.maximum: is less than minimum.");
  EXPECT_EQ(fault_of_setting(R"({"type": "string", "minLength": 1.5})"),
            "settings.properties.a.minLength: must be a whole number from 0 on.");
  EXPECT_EQ(fault_of_setting(R"({"type": "string", "enum": []})"),
            "settings.properties.a.enum: must be a list of at least one value.");
  EXPECT_THAT(fault_of_setting(R"({"type": "string", "enum": ["on", 1]})"),
              HasSubstr("settings.properties.a.enum: 1 is refused by the schema that it stands in."));
}

TEST(ManifestCheck, FindsATypeOrAFormatThatDoesNotExist) {
  EXPECT_EQ(fault_of_setting("{}"),
            "settings.properties.a.type: is missing; it is one of string, integer, number, boolean, array, object.");
  EXPECT_THAT(fault_of_setting(R"({"type": "int"})"), HasSubstr("settings.properties.a.type: must be one of string"));
  EXPECT_EQ(fault_of_setting(R"({"type": "string", "format": "email"})"),
            "settings.properties.a.format: must be one of duration, size, secret, path.");
  EXPECT_EQ(fault_of_setting("true"), "settings.properties.a: must be an object.");
  EXPECT_THAT(fault_of_setting(R"({"type": "array", "items": {"type": "strings"}})"),
              HasSubstr("settings.properties.a.items.type"));
}

TEST(ManifestCheck, FindsAPatternThatIsNoneAndDoesNotChokeOnOne) {
  EXPECT_THAT(fault_of_setting(R"({"type": "string", "pattern": "(a"})"),
              HasSubstr("settings.properties.a.pattern: is no ECMAScript regular expression: "));
  EXPECT_EQ(fault_of_setting(R"({"type": "string", "pattern": ")" + std::string(100000, '(') + "\"}"),
            "settings.properties.a.pattern: must be no longer than 512 bytes.");
}

TEST(ManifestCheck, MatchesNoPatternOfAStrangersWithATextOfHis) {
  // Backtracking: 2^40 steps.
  EXPECT_EQ(fault_of_setting(R"({"type": "string", "pattern": "(a+)+b", "default": ")" + std::string(40, 'a') + "\"}"),
            "none");
  // Recursion: hundreds of frames a character.
  const std::string nested = std::string(200, '(') + "a" + std::string(200, ')') + "*";
  EXPECT_EQ(fault_of_setting(R"({"type": "array", "items": {"type": "string", "pattern": ")" + nested +
                             R"("}, "default": [")" + std::string(4096, 'a') + "\"]}"),
            "none");
}

TEST(ManifestCheck, WantsNamesThatCanBeWrittenAsKeys) {
  for (const std::string name : {"a.b", "", "a b", "\u00e4"})
    EXPECT_THAT(fault_of(R"("settings": {"type": "object", "properties": {")" + name + R"(": {"type": "string"}}})"),
                HasSubstr("is no name for a setting"))
        << name;
}

TEST(ManifestCheck, FindsAGroupOfSettingsThatDoNotExist) {
  const std::string settings =
      R"("settings": {"type": "object", "properties": {"host": {"type": "string"},
         "tls": {"type": "object", "properties": {"ca_file": {"type": "string"}}}}}, )";
  EXPECT_EQ(fault_of(settings + R"("groups": {"server": ["plugin", "preset", "host", "tls", "tls.ca_file"]})"), "none");
  EXPECT_EQ(fault_of(settings + R"("groups": {"server": ["host", "tls.ca"]})"),
            "groups.server[1]: names no setting: there is no \"tls.ca\" in \"settings\".");
}

TEST(ManifestCheck, FindsACapabilityThatIsAboutNoSetting) {
  const std::string settings =
      R"("settings": {"type": "object", "properties": {"host": {"type": "string"}, "port": {"type": "integer"},
         "tls": {"type": "object", "properties": {"ca_file": {"type": "string"}}}}}, )";
  const std::string channel = R"("tocsin.channel/1-draft")";
  const std::string good = R"("capabilities": ["connect: setting:host,port", "read: setting:tls.ca_file"])";
  EXPECT_EQ(fault_of(settings + good, channel), "none");
  EXPECT_EQ(fault_of(settings + R"("capabilities": ["read: setting:tls.ca_file,tls.key"])", channel),
            "capabilities[0]: names no setting: there is no \"tls.key\" in \"settings\".");
  // A service speaks of the settings of whoever uses it.
  EXPECT_EQ(fault_of(good, R"("tocsin.stream/1-draft")"), "none");
}

TEST(ManifestCheck, FindsASettingThatTheHostKeepsToItself) {
  const std::string retry = R"("settings": {"type": "object", "properties": {"retry": {"type": "integer"}}})";
  EXPECT_EQ(fault_of(retry, R"("tocsin.channel/1-draft")"),
            "settings.properties.retry: is a setting of the host's own, which no plugin gets: choose another name.");
  EXPECT_EQ(fault_of(retry, R"("tocsin.source/1-draft")"), "none");
  const std::string types = R"("settings": {"type": "object", "properties": {"types": {"type": "string"}}})";
  EXPECT_THAT(fault_of(types, R"("tocsin.subscriber/1-draft")"), HasSubstr("settings.properties.types"));
}

}  // namespace
}  // namespace tocsin
