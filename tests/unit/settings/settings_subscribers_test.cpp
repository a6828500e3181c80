// [subscribers.NAME]: the plugin's own settings, and what it is to get.
#include "tests/unit/settings/settings_fixture.hpp"

#include <boost/json.hpp>

namespace tocsin::test {
namespace {

TEST(SettingsSubscribers, SayWhatTheyGetBesideThePluginsOwnKeys) {
  const auto all = good(R"([subscribers.trail]
plugin = "audit"
folder = "trail"
types = ["tocsin.license.*", "example.*"]
severity = "warn"
organization = "acme"
)");
  ASSERT_EQ(all->subscribers().size(), 1u);
  const auto& trail = all->subscribers()[0];
  EXPECT_EQ(trail.name, "trail");
  EXPECT_EQ(trail.plugin, "audit");
  EXPECT_EQ(trail.types, (std::vector<std::string>{"tocsin.license.*", "example.*"}));
  EXPECT_EQ(trail.minimum_severity, severity::warn);
  EXPECT_EQ(trail.organization, "acme");
  EXPECT_EQ(boost::json::serialize(trail.settings), R"({"folder":"/srv/tocsin/trail","key":null})");
  EXPECT_FALSE(trail.problem);
  const auto shown = all->show("");
  EXPECT_EQ(shown.at("subscribers").at("trail").at("severity"), "warn");
  EXPECT_EQ(all->why("subscribers.trail.severity", "").at(0).level, "host");
}

TEST(SettingsSubscribers, GetEverythingWhereNothingIsSaidAndChangeTheirFingerprintWithTheFilter) {
  const std::string least = "[subscribers.trail]\nplugin = \"audit\"\nfolder = \"trail\"\n";
  const auto all = good(least);
  EXPECT_TRUE(all->subscribers()[0].types.empty());
  EXPECT_FALSE(all->subscribers()[0].minimum_severity);
  EXPECT_EQ(all->subscribers()[0].fingerprint, good(least)->subscribers()[0].fingerprint);
  EXPECT_NE(all->subscribers()[0].fingerprint, good(least + "types = [\"a\"]\n")->subscribers()[0].fingerprint);
  EXPECT_NE(all->subscribers()[0].fingerprint, good(least + "severity = \"warn\"\n")->subscribers()[0].fingerprint);
}

TEST(SettingsSubscribers, AreRefusedWithAPluginThatIsNoneAndWithKeysOfNobody) {
  const auto wrong = load("[subscribers.trail]\nplugin = \"license-status\"\npath = \"x\"\n");
  ASSERT_EQ(wrong.errors.size(), 1u);
  EXPECT_NE(wrong.errors[0].what.find("is no subscriber"), std::string::npos);
  EXPECT_EQ(wrong.errors[0].remedy, "Accepted: \"audit\".");
  const auto unknown = load("[subscribers.trail]\nplugin = \"audit\"\nfolder = \"x\"\nsevrity = \"warn\"\n");
  ASSERT_EQ(unknown.errors.size(), 1u);
  EXPECT_EQ(unknown.errors[0].place.key, "subscribers.trail.sevrity");
  const auto missing = load("[subscribers.trail]\nplugin = \"audit\"\n");
  ASSERT_EQ(missing.errors.size(), 1u);
  EXPECT_EQ(missing.errors[0].place.key, "subscribers.trail.folder");
}

TEST(SettingsSubscribers, OfAPluginThatIsNotThereHaveAProblemAndTheHostRuns) {
  const auto all = good("[subscribers.trail]\nplugin = \"nobody\"\nfolder = \"x\"\n");
  ASSERT_TRUE(all->subscribers()[0].problem);
  EXPECT_EQ(endpoint_problems(*all).size(), 1u);
}

}  // namespace
}  // namespace tocsin::test
