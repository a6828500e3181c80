// Tests of reading settings from disk.
#include "tests/unit/settings/settings_fixture.hpp"

namespace tocsin::test {
namespace {

TEST(SettingsFile, IsReadWhole) {
  const temporary_folder folder;
  const auto file = folder.write("tocsin.toml", "[host]\nlanguage = \"fr\"\n");
  const auto loaded = load_settings(file, all_plugins());
  ASSERT_NE(loaded.value, nullptr);
  EXPECT_EQ(loaded.value->host().language, "fr");
  EXPECT_EQ(load_host_settings(file).value().language, "fr");
  EXPECT_EQ(load_host_settings(file).value().state_dir, folder.path() / "state");
}

TEST(SettingsFile, ThatIsNotThereOrAFolderIsAFault) {
  const temporary_folder folder;
  for (const auto& file : {folder.path() / "none.toml", folder.path()}) {
    const auto loaded = load_settings(file, all_plugins());
    ASSERT_EQ(loaded.errors.size(), 1u);
    EXPECT_EQ(loaded.errors[0].place.file, file.string());
    EXPECT_FALSE(load_host_settings(file).has_value());
  }
}

TEST(SettingsFile, GivesItsHostPartThoughTheRestIsWrong) {
  const temporary_folder folder;
  const auto file = folder.write("tocsin.toml", "[host]\nlanguage = \"fr\"\n[channels.x]\ncolour = 1\n");
  EXPECT_EQ(load_host_settings(file).value().language, "fr");
  EXPECT_EQ(load_host_settings(folder.write("bad.toml", "[host]\nlanguage = 5\n")).error().place.line, 2);
}

TEST(SettingsFile, IsFoundWhereTheCallOrTheEnvironmentSays) {
  const temporary_folder folder;
  const auto file = folder.write("a.toml", "");
  EXPECT_EQ(find_settings_file(file).value(), file);
  EXPECT_EQ(find_settings_file(folder.path() / "b.toml").error().place.file, (folder.path() / "b.toml").string());
  ::setenv("TOCSIN_CONFIG", file.c_str(), 1);
  EXPECT_EQ(find_settings_file(std::nullopt).value(), file);
  ::setenv("TOCSIN_CONFIG", "/nowhere/tocsin.toml", 1);
  EXPECT_FALSE(find_settings_file(std::nullopt).has_value());
  ::unsetenv("TOCSIN_CONFIG");
}

}  // namespace
}  // namespace tocsin::test
