// Tests of the values that the rest of the host asks for.
#include "tests/unit/settings/settings_fixture.hpp"

#include <atomic>
#include <thread>

namespace tocsin::test {
namespace {

TEST(SettingsValues, HaveDefaultsForAnEmptyFile) {
  const auto all = good("");
  EXPECT_EQ(all->host().state_dir, "/srv/tocsin/state");
  EXPECT_TRUE(all->host().plugin_dirs.empty());
  EXPECT_EQ(all->host().language, "en");
  EXPECT_EQ(all->host().time_zone, "UTC");
  EXPECT_EQ(all->host().retention, std::chrono::days(30));
  EXPECT_EQ(all->http().listen, "127.0.0.1:8480");
  EXPECT_EQ(all->http().max_body, 8u << 20);
  EXPECT_TRUE(all->routes().empty());
  EXPECT_TRUE(all->sources().empty());
}

TEST(SettingsValues, StartRelativePathsAtTheFilesFolder) {
  const temporary_folder folder;
  std::filesystem::create_directory(folder.path() / "plugins");
  const auto all = good(
      "[host]\nstate_dir = \"../s\"\nplugin_dirs = [\"plugins\", \"/nowhere/at/all\"]\n[http]\nlisten = \"unix:api\"\n",
      folder.path() / "tocsin.toml");
  EXPECT_EQ(all->host().state_dir, folder.path().parent_path() / "s");
  EXPECT_EQ(all->host().plugin_dirs,
            (std::vector<std::filesystem::path>{folder.path() / "plugins", "/nowhere/at/all"}));
  EXPECT_EQ(all->http().listen, "unix:" + (folder.path() / "api").string());
  ASSERT_EQ(all->warnings().size(), 1u);
  EXPECT_EQ(all->warnings()[0].what, "The plugin folder /nowhere/at/all is not there.");
}

TEST(SettingsValues, RefuseAFileInAPluginFoldersPlace) {
  const temporary_folder folder;
  folder.write("plugins", "");
  const auto loaded = load("[host]\nplugin_dirs = [\"plugins\"]\n", folder.path() / "tocsin.toml");
  ASSERT_EQ(loaded.errors.size(), 1u);
  EXPECT_EQ(loaded.errors[0].place.key, "host.plugin_dirs");
}

TEST(SettingsValues, GiveRoutesInTheFilesOrderWithTheirOwners) {
  const auto all = good(R"(
[channels.out]
plugin = "file"
folder = "x"
[[routes]]
name = "operators"
types = ["tocsin.license.*"]
severity = "warn"
channels = ["out"]
to = ["ops@example.org", "{{ recipient }}"]
template = "short"
[[routes]]
channels = ["out"]
to = ["all@example.org"]
[[organizations.acme.routes]]
name = "operators"
channels = ["out"]
to = ["acme@example.org"]
)");
  ASSERT_EQ(all->routes().size(), 3u);
  const auto& first = all->routes()[0];
  EXPECT_EQ(first.name, "operators");
  EXPECT_EQ(first.organization, "");
  EXPECT_EQ(first.types, std::vector<std::string>{"tocsin.license.*"});
  EXPECT_EQ(first.minimum_severity, severity::warn);
  EXPECT_EQ(first.to, (std::vector<std::string>{"ops@example.org", "{{recipient}}"}));
  EXPECT_EQ(first.template_name, "short");
  EXPECT_EQ(first.place.line, 5);
  EXPECT_EQ(all->routes()[1].name, "route 2");
  EXPECT_TRUE(all->routes()[1].types.empty());
  EXPECT_EQ(all->routes()[1].template_name, "default");
  EXPECT_EQ(all->routes()[2].organization, "acme");
  EXPECT_EQ(all->organizations(), std::vector<std::string>{"acme"});
}

TEST(SettingsValues, GiveOrganizationsTheHostsLanguageAndZoneWhereTheyHaveNone) {
  const auto all =
      good("[host]\nlanguage = \"de\"\ntime_zone = \"Europe/Berlin\"\n[organizations.acme]\nlanguage = \"fr\"\n");
  EXPECT_EQ(all->organization("acme").language, "fr");
  EXPECT_EQ(all->organization("acme").time_zone, "Europe/Berlin");
  EXPECT_EQ(all->organization("unknown").language, "de");
}

TEST(SettingsValues, AddToTheBuiltInEventTypesKeyByKey) {
  const auto plain = good("");
  ASSERT_EQ(plain->event_types().size(), 1u);
  EXPECT_EQ(plain->event_types()[0].types, "tocsin.password.*");
  EXPECT_EQ(plain->event_types()[0].time_to_live, std::chrono::minutes(15));
  EXPECT_EQ(plain->event_types()[0].sensitive, true);
  const auto changed =
      good("[events.\"tocsin.password.*\"]\ntime_to_live = \"5m\"\n[events.\"shop.*\"]\nsensitive = true\n");
  ASSERT_EQ(changed->event_types().size(), 2u);
  EXPECT_EQ(changed->event_types()[0].time_to_live, std::chrono::minutes(5));
  EXPECT_EQ(changed->event_types()[0].sensitive, true);
  EXPECT_EQ(changed->event_types()[1].types, "shop.*");
  EXPECT_FALSE(changed->event_types()[1].time_to_live.has_value());
}

TEST(SettingsValues, ListTheProblemsOfAllEndpointsInTheFilesOrder) {
  const auto all = good(R"(
[channels.b]
plugin = "chat"
[channels.a]
plugin = "smtp"
host = "h"
from_address = "a@b"
[organizations.acme.channels.a]
port = 26
[organizations.beta]
language = "fr"
[sources.feed]
plugin = "rss"
)");
  std::vector<std::string> keys;
  for (const auto& problem : endpoint_problems(*all)) keys.push_back(problem.place.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"channels.b.plugin", "organizations.acme.channels.a.host",
                                            "sources.feed.plugin"}));
}

TEST(SettingsValues, AreTheSameFromEveryThread) {
  std::string text = "[channels.out]\nplugin = \"file\"\nfolder = \"x\"\n";
  for (int at = 0; at < 50; ++at) {
    text += "[organizations.o" + std::to_string(at) + ".channels.out]\nprefix = \"p" + std::to_string(at) + "\"\n";
  }
  const auto all = good(text);
  std::vector<std::vector<endpoint_settings_ptr>> seen(4);
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([&] {
      for (int at = 0; at < 50; ++at) mine.push_back(*all->endpoint("out", "o" + std::to_string(at)));
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& mine : seen) EXPECT_EQ(mine, seen[0]) << "resolved once and kept";
  EXPECT_EQ(seen[0][7]->settings.at("prefix"), "p7");
}

}  // namespace
}  // namespace tocsin::test
