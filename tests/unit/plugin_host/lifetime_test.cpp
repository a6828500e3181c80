// The states of real plugins: what starts, in which order, and what becomes of those that fail.
#include "core/plugin_host/plugin_host.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace tocsin {
namespace {

namespace fs = std::filesystem;
using test::plugin_path;
using testing::ElementsAre;
using testing::HasSubstr;

// A host with the named test plugins, not started.
class house_of {
 public:
  explicit house_of(const std::vector<std::string>& names) {
    std::vector<plugin_info> found;
    for (const std::string& name : names) found.push_back(inspect_plugin(plugin_path(name)));
    host = std::make_unique<plugin_host>(parts.services(), std::move(found));
  }
  plugin_info info(const std::string& id) const {
    for (const plugin_info& known : host->plugins())
      if (known.id == id) return known;
    return {};
  }
  // The plugins that logged a step, in order.
  std::vector<std::string> steps(const std::string& step) const {
    std::vector<std::string> ids;
    for (const std::string& line : log.lines(step)) {
      const auto at = line.find("plugin=") + 7;
      ids.push_back(line.substr(at, line.find(' ', at) - at));
    }
    return ids;
  }

  test::captured_log log;
  test::fake_house parts;
  std::unique_ptr<plugin_host> host;
};

TEST(PluginLifetime, GoesFromVerifiedToActiveToStopped) {
  house_of house({"good"});
  EXPECT_EQ(house.info("good").state, plugin_state::verified);
  house.host->start(nullptr);
  EXPECT_EQ(house.info("good").state, plugin_state::active) << house.info("good").reason;
  house.host->stop();
  EXPECT_EQ(house.info("good").state, plugin_state::stopped);
  EXPECT_THAT(house.steps("test start"), ElementsAre("good"));
  EXPECT_THAT(house.steps("test stop"), ElementsAre("good"));
  EXPECT_THAT(house.steps("test destroy"), ElementsAre("good"));
}

TEST(PluginLifetime, StartsProvidersFirstAndStopsThemLast) {
  house_of house({"last-consumer", "consumer", "provider"});
  house.host->start(nullptr);
  house.host->stop();
  EXPECT_THAT(house.steps("test start"), ElementsAre("provider", "consumer", "last-consumer"));
  EXPECT_THAT(house.steps("test stop"), ElementsAre("last-consumer", "consumer", "provider"));
}

TEST(PluginLifetime, StartsOnlyWhatIsNeeded) {
  house_of house({"good", "consumer", "provider"});
  house.host->start([](const manifest& about) { return about.id == "consumer"; });
  EXPECT_THAT(house.steps("test start"), ElementsAre("provider", "consumer"));
  EXPECT_EQ(house.info("good").state, plugin_state::verified);
  house.host->start(nullptr);  // and the rest later
  EXPECT_EQ(house.info("good").state, plugin_state::active);
  EXPECT_EQ(house.steps("test start").size(), 3u);
}

TEST(PluginLifetime, LeavesAPluginAsideThatCannotBeCreatedAndRunsTheOthers) {
  house_of house({"fail-create", "good"});
  house.host->start(nullptr);
  EXPECT_EQ(house.info("fail-create").state, plugin_state::failed);
  EXPECT_THAT(house.info("fail-create").reason, HasSubstr("could not be created: no workshop"));
  EXPECT_EQ(house.info("good").state, plugin_state::active);
  EXPECT_EQ(house.log.count("plugin failed"), 1u);
}

TEST(PluginLifetime, DestroysAPluginThatCannotBeStarted) {
  house_of house({"fail-start"});
  house.host->start(nullptr);
  EXPECT_EQ(house.info("fail-start").state, plugin_state::failed);
  EXPECT_THAT(house.info("fail-start").reason, HasSubstr("could not be started: the moon is not full"));
  EXPECT_THAT(house.steps("test destroy"), ElementsAre("fail-start"));
  house.host->stop();
  EXPECT_TRUE(house.steps("test stop").empty());
}

TEST(PluginLifetime, NamesTheProviderInTheFailureOfWhatRequiresIt) {
  house_of house({"consumer", "last-consumer", "failing-provider", "good"});
  house.host->start(nullptr);
  EXPECT_EQ(house.info("consumer").state, plugin_state::failed);
  EXPECT_THAT(house.info("consumer").reason,
              HasSubstr("requires example.light/1 of the plugin \"failing-provider\", which does not run: "
                        "it could not be started: the moon is not full"));
  EXPECT_THAT(house.info("last-consumer").reason, HasSubstr("of the plugin \"consumer\", which does not run"));
  EXPECT_EQ(house.info("good").state, plugin_state::active);
}

TEST(PluginLifetime, FailsWhatRequiresAServiceThatNobodyOffers) {
  house_of house({"orphan", "good"});
  house.host->start(nullptr);
  EXPECT_EQ(house.info("orphan").state, plugin_state::failed);
  EXPECT_THAT(house.info("orphan").reason, HasSubstr("example.nobody/1, which no installed plugin offers"));
  EXPECT_EQ(house.info("good").state, plugin_state::active);
}

TEST(PluginLifetime, FailsARingOfRequirements) {
  house_of house({"ring-a", "ring-b", "good"});
  house.host->start(nullptr);
  EXPECT_EQ(house.info("ring-a").state, plugin_state::failed);
  EXPECT_EQ(house.info("ring-b").state, plugin_state::failed);
  EXPECT_THAT(house.info("ring-b").reason, HasSubstr("ring-a -> ring-b -> ring-a"));
  EXPECT_TRUE(house.steps("test start") == std::vector<std::string>{"good"});
}

TEST(PluginLifetime, FailsAPluginThatDisagreesWithItsManifest) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"wrong-id", "calls itself \"somebody-else\", but its manifest says \"wrong-id\""},
      {"wrong-version", "says that its version is 9.9.9, but its manifest says 1.0.0"},
      {"short-entry", "entry is too short"},
      {"no-entry", "does not export tocsin_plugin_entry_v1"},
      {"newer-abi", "built for plugin ABI 1.1, and this host has 1.0"},
      {"missing-extension", "provides example.light/1, but the plugin has no such table"},
      {"extra-extension", "offers tocsin.timer/1-draft, which its manifest does not name"}};
  std::vector<std::string> names{"good"};
  for (const auto& [name, reason] : cases) names.push_back(name);
  house_of house(names);
  house.host->start(nullptr);
  for (const auto& [name, reason] : cases) {
    EXPECT_EQ(house.info(name).state, plugin_state::failed) << name;
    EXPECT_THAT(house.info(name).reason, HasSubstr(reason)) << name;
  }
  EXPECT_THAT(house.steps("test start"), ElementsAre("good"));
}

TEST(PluginLifetime, DoesNotLoadAFileThatWasChangedSinceItWasLookedAt) {
  test::captured_log log;
  test::fake_house parts;
  const test::temporary_folder folder;
  const fs::path file = folder.add(plugin_path("good"));
  plugin_host host(parts.services(), {inspect_plugin(file)});
  fs::remove(file);
  fs::copy_file(plugin_path("good-newer", "good"), file);
  host.start(nullptr);
  EXPECT_EQ(host.plugins()[0].state, plugin_state::failed);
  EXPECT_THAT(host.plugins()[0].reason, HasSubstr("changed since it was looked at"));
}

TEST(PluginLifetime, DoesNotLoadAFileOfWhichOnlyABlankOfTheManifestWasChangedSince) {
  test::captured_log log;
  test::fake_house parts;
  const test::temporary_folder folder;
  const fs::path file = folder.add(plugin_path("good"));
  plugin_host host(parts.services(), {inspect_plugin(file)});
  auto bytes = test::read_bytes(file);
  const std::string provides = "\"provides\":";
  auto* begin = reinterpret_cast<char*>(bytes.data());
  char* const found = std::search(begin, begin + bytes.size(), provides.begin(), provides.end());
  ASSERT_NE(found, begin + bytes.size());
  ASSERT_EQ(found[provides.size()], ' ');
  found[provides.size()] = '\t';
  fs::remove(file);
  std::ofstream(file, std::ios::binary).write(begin, static_cast<std::streamsize>(bytes.size()));
  ASSERT_EQ(inspect_plugin(file).state, plugin_state::verified);
  host.start(nullptr);
  EXPECT_EQ(host.plugins()[0].state, plugin_state::failed);
  EXPECT_THAT(host.plugins()[0].reason, HasSubstr("changed since it was looked at"));
}

TEST(PluginLifetime, LoadsWhatWasCheckedThoughTheFileIsReplacedLater) {
  test::captured_log log;
  test::fake_house parts;
  const test::temporary_folder folder;
  const fs::path file = folder.add(plugin_path("good"));
  plugin_host first(parts.services(), {inspect_plugin(file)});
  first.start(nullptr);
  fs::remove(file);
  fs::copy_file(plugin_path("good-newer", "good"), file);
  plugin_host second(parts.services(), {inspect_plugin(file)});
  second.start(nullptr);
  EXPECT_EQ(first.plugins()[0].state, plugin_state::active);
  EXPECT_EQ(second.plugins()[0].state, plugin_state::active) << second.plugins()[0].reason;
  EXPECT_EQ(second.plugins()[0].version, "1.10.0");
}

TEST(PluginLifetime, NeverLoadsARefusedFile) {
  house_of house({"newer-manifest"});
  house.host->start(nullptr);
  EXPECT_EQ(house.host->plugins()[0].state, plugin_state::refused);
  EXPECT_EQ(house.log.count("plugin refused"), 1u);
}

TEST(PluginLifetime, JoinsTheCodesOfAllManifests) {
  house_of house({"everything", "good"});
  EXPECT_EQ(house.host->codes().find("TWO_BAD").remedy, "Make it good.");
  EXPECT_EQ(house.host->codes().find("OK").code, "OK");
}

TEST(PluginLifetime, OffersAChannelWhileItsPluginIsActive) {
  house_of house({"everything", "good"});
  EXPECT_EQ(house.host->channel("everything"), nullptr);
  house.host->start(nullptr);
  const auto channel = house.host->channel("everything");
  ASSERT_NE(channel, nullptr);
  EXPECT_TRUE(channel->wants("text"));
  EXPECT_FALSE(channel->wants("html"));
  EXPECT_EQ(house.host->channel("good"), nullptr);
  EXPECT_EQ(house.host->channel("nobody"), nullptr);
  house.host->stop();
  EXPECT_EQ(house.host->channel("everything"), nullptr);
  channel->close({1, 1});  // one that was kept does no harm
  const std::vector messages{test::message_to("a")};
  channel->deliver(messages);
  EXPECT_EQ(house.parts.outcomes.size(), 0u);
}

}  // namespace
}  // namespace tocsin
