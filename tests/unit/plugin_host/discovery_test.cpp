// Looking for plugins without running any.
#include "core/plugin_host/plugin_host.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace tocsin {
namespace {

namespace fs = std::filesystem;
using test::plugin_path;
using test::temporary_folder;
using testing::HasSubstr;

std::vector<plugin_info> discover(const std::vector<fs::path>& folders) {
  faults warnings;
  const auto found = discover_plugins(folders, warnings);
  EXPECT_TRUE(found && warnings.empty());
  return found ? *found : std::vector<plugin_info>{};
}

TEST(Discovery, ReadsWhatAPluginSaysOfItself) {
  const plugin_info info = inspect_plugin(plugin_path("everything"));
  EXPECT_EQ(info.state, plugin_state::verified) << info.reason;
  EXPECT_EQ(info.id, "everything");
  EXPECT_EQ(info.version, "1.2.3");
  EXPECT_EQ(info.manifest.provides.size(), 5u);
  EXPECT_EQ(info.build_id.size(), 40u);
  EXPECT_EQ(info.reason, "");
}

TEST(Discovery, RunsNoInstructionOfAPlugin) {
  const temporary_folder folder;
  const fs::path mark = folder.path() / "mark";
  ASSERT_EQ(::setenv("TOCSIN_TEST_CONSTRUCTOR_MARK", mark.c_str(), 1), 0);
  folder.add(plugin_path("marking"));
  ASSERT_EQ(discover({folder.path()}).size(), 1u);
  EXPECT_FALSE(fs::exists(mark));

  // The same plugin leaves its mark once it is loaded, so that the look above proves something.
  test::fake_house house;
  plugin_host host(house.services(), discover({folder.path()}));
  host.start(nullptr);
  EXPECT_TRUE(fs::exists(mark));
  ::unsetenv("TOCSIN_TEST_CONSTRUCTOR_MARK");
}

TEST(Discovery, LooksOnlyAtNamesThatEndInSo) {
  const temporary_folder folder;
  folder.add(plugin_path("good"), "good.so.1");
  folder.add(plugin_path("good"), "good.txt");
  EXPECT_TRUE(discover({folder.path()}).empty());
}

TEST(Discovery, ListsWhatIsNoPluginAsRefusedWithItsReason) {
  const temporary_folder folder;
  std::ofstream(folder.path() / "words.so") << "not a library";
  std::ofstream(folder.path() / "empty.so").flush();
  fs::create_directory(folder.path() / "folder.so");
  ASSERT_EQ(::mkfifo((folder.path() / "fifo.so").c_str(), 0600), 0);
  const fs::path target = folder.add(plugin_path("good"), "target");
  fs::create_symlink(target, folder.path() / "link.so");
  const auto found = discover({folder.path()});
  std::map<std::string, std::string> reasons;
  for (const plugin_info& info : found) {
    EXPECT_EQ(info.state, plugin_state::refused) << info.file;
    reasons[info.file.filename().string()] = info.reason;
  }
  EXPECT_EQ(reasons.size(), 5u);
  EXPECT_THAT(reasons["words.so"], HasSubstr("no shared library"));
  EXPECT_THAT(reasons["empty.so"], HasSubstr("empty"));
  EXPECT_THAT(reasons["folder.so"], HasSubstr("no regular file"));
  EXPECT_THAT(reasons["fifo.so"], HasSubstr("no regular file"));
  EXPECT_THAT(reasons["link.so"], HasSubstr("symbolic link"));
}

TEST(Discovery, RefusesAFileThatEverybodyMayWrite) {
  const temporary_folder folder;
  const fs::path file = folder.add(plugin_path("good"));
  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(inspect_plugin(file).reason, HasSubstr("written by everybody"));
  fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
  EXPECT_EQ(inspect_plugin(file).state, plugin_state::verified);
}

TEST(Discovery, RefusesAFileBelowAFolderThatEverybodyMayWrite) {
  const temporary_folder folder;
  fs::create_directory(folder.path() / "open");
  fs::create_directory(folder.path() / "open" / "inner");
  const fs::path file = folder.path() / "open" / "inner" / "good.so";
  fs::copy_file(plugin_path("good"), file);
  EXPECT_EQ(inspect_plugin(file).state, plugin_state::verified) << inspect_plugin(file).reason;
  fs::permissions(folder.path() / "open", fs::perms::others_write, fs::perm_options::add);
  EXPECT_THAT(inspect_plugin(file).reason, HasSubstr("open above it may be written by everybody"));
}

TEST(Discovery, TakesAFileThatOnlyTheOwnersPrivateGroupMayWriteAndRefusesItForAnotherGroup) {
  const passwd* const user = ::getpwuid(::geteuid());
  const group* const own = user ? ::getgrgid(user->pw_gid) : nullptr;
  if (!own || std::string(own->gr_name) != user->pw_name || *own->gr_mem) GTEST_SKIP() << "this user has no such group";
  const temporary_folder folder;
  const fs::path file = folder.add(plugin_path("good"));
  ASSERT_EQ(::chown(file.c_str(), static_cast<uid_t>(-1), user->pw_gid), 0);
  ASSERT_EQ(::chmod(file.c_str(), 0775), 0);
  EXPECT_EQ(inspect_plugin(file).state, plugin_state::verified) << inspect_plugin(file).reason;
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file to a group that it is not in";
  const group* const other = ::getgrnam("daemon");
  ASSERT_TRUE(other);
  ASSERT_EQ(::chown(file.c_str(), static_cast<uid_t>(-1), other->gr_gid), 0);
  ASSERT_EQ(::chmod(file.c_str(), 0775), 0);
  EXPECT_THAT(inspect_plugin(file).reason, HasSubstr("may be written by its group"));
}

TEST(Discovery, RefusesAFileThatBelongsToSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const temporary_folder folder;
  const fs::path file = folder.add(plugin_path("good"));
  ASSERT_EQ(::chown(file.c_str(), 12345, static_cast<gid_t>(-1)), 0);
  EXPECT_THAT(inspect_plugin(file).reason, HasSubstr("belongs to user 12345"));
}

TEST(Discovery, RefusesAFileBelowAFolderThatBelongsToSomebodyElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  const temporary_folder folder;
  const fs::path file = folder.add(plugin_path("good"));
  ASSERT_EQ(::chown(folder.path().c_str(), 12345, static_cast<gid_t>(-1)), 0);
  EXPECT_THAT(inspect_plugin(file).reason, HasSubstr("above it belongs to user 12345"));
}

TEST(Discovery, RefusesAManifestThatAsksForANewerOrAnotherAbi) {
  const plugin_info newer = inspect_plugin(plugin_path("newer-manifest"));
  EXPECT_EQ(newer.state, plugin_state::refused);
  EXPECT_THAT(newer.reason, HasSubstr("built for plugin ABI 1.7, and this host has 1.0. Update Tocsin"));
  EXPECT_THAT(inspect_plugin(plugin_path("other-major")).reason, HasSubstr("plugin ABI 2.0"));
}

TEST(Discovery, SaysOfAFileThatIsNotThereThatItIsNot) {
  const temporary_folder folder;
  const plugin_info info = inspect_plugin(folder.path() / "nowhere.so");
  EXPECT_EQ(info.state, plugin_state::refused);
  EXPECT_THAT(info.reason, HasSubstr("cannot be opened: No such file"));
}

TEST(Discovery, LetsTheHigherVersionServeAndRefusesTheOtherAsItsDuplicate) {
  const temporary_folder first, second;
  first.add(plugin_path("good-older", "good"));
  second.add(plugin_path("good-newer", "good"));
  for (const auto& folders : {std::vector{first.path(), second.path()}, std::vector{second.path(), first.path()}}) {
    const auto found = discover(folders);
    ASSERT_EQ(found.size(), 2u);
    for (const plugin_info& info : found) {
      if (info.version == "1.10.0") {
        EXPECT_EQ(info.state, plugin_state::verified);
      } else {
        EXPECT_EQ(info.state, plugin_state::refused);
        EXPECT_THAT(info.reason, HasSubstr("duplicate of " + (second.path() / "good.so").string()));
      }
    }
  }
}

TEST(Discovery, LetsTheFirstOfTwoEqualVersionsServe) {
  const temporary_folder folder;
  folder.add(plugin_path("good"), "b.so");
  folder.add(plugin_path("good"), "a.so");
  const auto found = discover({folder.path()});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].file.filename(), "a.so");
  EXPECT_EQ(found[0].state, plugin_state::verified);
  EXPECT_EQ(found[1].state, plugin_state::refused);
}

TEST(Discovery, LooksOnceAtAFolderThatIsNamedTwice) {
  const temporary_folder folder;
  folder.add(plugin_path("good"));
  EXPECT_EQ(discover({folder.path(), folder.path() / "."}).size(), 1u);
}

TEST(Discovery, WarnsOfAFolderThatIsMissingAndRefusesOneThatIsAFile) {
  const temporary_folder folder;
  faults warnings;
  const std::vector missing{folder.path() / "nowhere"};
  const auto none = discover_plugins(missing, warnings);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0].what, HasSubstr("nowhere does not exist"));

  const std::vector file{folder.add(plugin_path("good"))};
  const auto refused = discover_plugins(file, warnings);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "SETTINGS_INVALID");
  EXPECT_EQ(refused.error().place.key, "host.plugin_dirs");
}

}  // namespace
}  // namespace tocsin
