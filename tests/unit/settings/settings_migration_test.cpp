// Settings of an older version: what the plugin makes of a table that its schema refuses, and what is said of it.
#include "tests/unit/settings/settings_fixture.hpp"

#include <boost/json.hpp>

namespace tocsin::test {
namespace {

namespace json = boost::json;

constexpr std::string_view moving_manifest = R"({
  "id": "moving", "version": "2.0.0", "abi": {"major": 1, "minor": 0},
  "provides": ["tocsin.channel/1-draft", "tocsin.source/1-draft", "tocsin.config/1-draft"],
  "settings": {"type": "object", "required": ["address"], "properties": {
    "address": {"type": "string"}, "hours": {"type": "array", "items": {"type": "integer"}, "default": []},
    "key": {"type": "string", "format": "secret"},
    "tls": {"type": "object", "properties": {"level": {"type": "integer", "default": 1}}}}}})";
constexpr std::string_view still_manifest = R"({
  "id": "still", "version": "1.0.0", "abi": {"major": 1, "minor": 0}, "provides": ["tocsin.source/1-draft"],
  "settings": {"type": "object", "properties": {"address": {"type": "string"}}}})";

// What the plugin "moving" is asked, and answers.
struct asked_plugin {
  std::vector<std::string> asked;  // "channels/mail/acme {...}"
  std::function<result<migrated_table>(const unfit_table&)> answer = [](const unfit_table& table) {
    migrated_table made{table.settings, {}};
    if (const auto* host = table.settings.if_contains("host")) {
      made.settings["address"] = *host;
      made.settings.erase("host");
      made.changes.push_back({"host", "\"host\" became \"address\"."});
      return result<migrated_table>(std::move(made));
    }
    return result<migrated_table>(fault{"CONFIG_UNKNOWN", "never heard of it"});
  };

  loaded_settings load(std::string_view toml) {
    const manifest_catalogue plugins{{"moving", manifest_of(moving_manifest)}, {"still", manifest_of(still_manifest)}};
    return parse_settings(toml, "/srv/tocsin/tocsin.toml", plugins, [this](const unfit_table& table) {
      asked.push_back(table.table + "/" + table.name + "/" + table.organization + " " +
                      json::serialize(table.settings));
      return answer(table);
    });
  }
};

TEST(SettingsMigration, ATableOfAnOlderVersionIsUsedAsItsPluginWantsItTodayAndEachChangeIsAWarning) {
  asked_plugin plugin;
  const auto loaded = plugin.load("[sources.in]\nplugin = \"moving\"\nhost = \"a\"\nhours = [1]\nkey = \"env:KEY\"\n");
  ASSERT_TRUE(loaded.value) << loaded.errors.front().to_string();
  EXPECT_EQ(plugin.asked, std::vector<std::string>{R"(sources/in/ {"host":"a","hours":[1],"key":"env:KEY"})"});
  const auto& source = loaded.value->sources().at(0);
  EXPECT_EQ(source.settings.at("address"), "a");
  EXPECT_EQ(json::serialize(source.settings.at("hours")), "[1]");
  EXPECT_TRUE(source.settings.at("key").is_object()) << "its secret is a handle, as any";
  ASSERT_EQ(loaded.value->warnings().size(), 1u);
  const fault& warning = loaded.value->warnings()[0];
  EXPECT_EQ(warning.what, "\"host\" became \"address\".");
  EXPECT_EQ(warning.place, (place{"/srv/tocsin/tocsin.toml", 3, 8, "sources.in.host"}));
  EXPECT_NE(warning.remedy.find("in the file"), std::string::npos);
  const auto origins = loaded.value->why("sources.in.address", "");
  ASSERT_FALSE(origins.empty());
  EXPECT_EQ(origins[0].place.line, 1) << "a new key stands where its table does";
  EXPECT_EQ(loaded.value->why("sources.in.hours", "")[0].place.line, 4);
}

TEST(SettingsMigration, EachLevelOfAChannelIsATableOfItsOwn) {
  asked_plugin plugin;
  const auto loaded = plugin.load(
      "[channels.mail]\nplugin = \"moving\"\nhost = \"a\"\nretry.first = \"1s\"\n"
      "[organizations.acme.channels.mail]\nhost = \"b\"\n"
      "[organizations.other.channels.mail]\naddress = \"c\"\n");
  ASSERT_TRUE(loaded.value) << loaded.errors.front().to_string();
  EXPECT_EQ(plugin.asked,
            (std::vector<std::string>{R"(channels/mail/ {"host":"a"})", R"(channels/mail/acme {"host":"b"})"}));
  EXPECT_EQ((*loaded.value->endpoint("mail", ""))->settings.at("address"), "a");
  EXPECT_EQ((*loaded.value->endpoint("mail", "acme"))->settings.at("address"), "b");
  EXPECT_EQ((*loaded.value->endpoint("mail", "other"))->settings.at("address"), "c");
  EXPECT_EQ(loaded.value->retry(**loaded.value->endpoint("mail", "")).first, std::chrono::seconds{1});
  EXPECT_EQ(loaded.value->warnings().size(), 2u);
}

TEST(SettingsMigration, ATableThatHoldsItsSchemaAndOneOfAPluginWithoutSuchCodeAreNotShown) {
  asked_plugin plugin;
  const auto loaded = plugin.load("[sources.in]\nplugin = \"moving\"\naddress = \"a\"\n");
  ASSERT_TRUE(loaded.value);
  EXPECT_FALSE(plugin.load("[sources.in]\nplugin = \"still\"\nhost = \"a\"\n").value);
  EXPECT_FALSE(plugin.load("[sources.in]\nplugin = \"moving\"\naddress = \"a\"\norganization = 3\n").value)
      << "the host's own keys are not the plugin's matter";
  EXPECT_TRUE(plugin.asked.empty());
}

TEST(SettingsMigration, WhatAPluginDoesNotKnowIsRefusedByTheSchema) {
  asked_plugin plugin;
  const auto loaded = plugin.load("[sources.in]\nplugin = \"moving\"\naddres = \"a\"\n");
  ASSERT_EQ(loaded.errors.size(), 2u);
  EXPECT_EQ(loaded.errors[0].place.key, "sources.in.address");
  EXPECT_EQ(loaded.errors[1].place.key, "sources.in.addres");
  EXPECT_EQ(plugin.asked.size(), 1u);
}

TEST(SettingsMigration, AMissingKeyIsAsMuchAReasonToAskAsAnUnknownOne) {
  asked_plugin plugin;
  plugin.answer = [](const unfit_table&) {
    return result<migrated_table>(migrated_table{{{"address", "standard"}}, {}});
  };
  const auto loaded = plugin.load("[sources.in]\nplugin = \"moving\"\n");
  ASSERT_TRUE(loaded.value);
  ASSERT_EQ(loaded.value->warnings().size(), 1u);
  EXPECT_EQ(loaded.value->warnings()[0].place.key, "sources.in");
  EXPECT_NE(loaded.value->warnings()[0].what.find("older version's of the plugin moving"), std::string::npos);
}

TEST(SettingsMigration, AnAnswerThatDoesNotHoldTheSchemaIsNotUsed) {
  asked_plugin plugin;
  plugin.answer = [](const unfit_table&) {
    return result<migrated_table>(migrated_table{{{"address", 5}, {"plugin", "still"}}, {}});
  };
  const auto loaded = plugin.load("[sources.in]\nplugin = \"moving\"\nhost = \"a\"\n");
  ASSERT_EQ(loaded.errors.size(), 3u);
  EXPECT_NE(text_of(loaded.errors).find("what it makes of them is wrong: sources.in.address"), std::string::npos)
      << text_of(loaded.errors);
  EXPECT_EQ(loaded.errors.back().place.key, "sources.in.host");
}

TEST(SettingsMigration, TheHostsOwnKeysAreNotThePluginsToChange) {
  asked_plugin plugin;
  plugin.answer = [](const unfit_table&) {
    return result<migrated_table>(migrated_table{{{"address", "a"}, {"plugin", "still"}, {"organization", "x"}}, {}});
  };
  const auto loaded = plugin.load("[sources.in]\nplugin = \"moving\"\norganization = \"acme\"\nhost = \"a\"\n");
  ASSERT_TRUE(loaded.value);
  EXPECT_EQ(loaded.value->sources()[0].plugin, "moving");
  EXPECT_EQ(loaded.value->sources()[0].organization, "acme");
}

TEST(SettingsMigration, NestedKeysArePlacedAtTheirOwnLines) {
  asked_plugin plugin;
  plugin.answer = [](const unfit_table&) {
    return result<migrated_table>(
        migrated_table{{{"address", "a"}, {"tls", {{"level", 3}}}}, {{"tls.strength", "became level."}}});
  };
  const auto loaded =
      plugin.load("[sources.in]\nplugin = \"moving\"\naddress = \"a\"\n[sources.in.tls]\nstrength = \"high\"\n");
  ASSERT_TRUE(loaded.value);
  ASSERT_EQ(loaded.value->warnings().size(), 1u);
  EXPECT_EQ(loaded.value->warnings()[0].place.line, 5);
  EXPECT_EQ(loaded.value->sources()[0].settings.at("tls").at("level"), 3);
}

}  // namespace
}  // namespace tocsin::test
