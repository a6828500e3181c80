// Looking at files: what is told, and when.
#include "plugins/sources/license_status/watched_files.hpp"

#include "unit/license_status/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

namespace {

using namespace tocsin::license_status;
using tocsin::test::temporary_folder;

TEST(WatchedFiles, TellsAFileTwiceAndThenOnlyAfterAChange) {
  temporary_folder folder;
  folder.write("a.json", "one");
  watched_files files(folder.path() / "a.json", 100);
  auto first = files.look();
  ASSERT_EQ(first.changes.size(), 1u);
  EXPECT_EQ(first.changes[0].content, "one");
  EXPECT_FALSE(first.changes[0].settled);
  auto second = files.look();
  ASSERT_EQ(second.changes.size(), 1u);
  EXPECT_TRUE(second.changes[0].settled);
  EXPECT_TRUE(files.look().changes.empty());
  folder.write("a.json", "three");
  ASSERT_EQ(files.look().changes.size(), 1u);
}

TEST(WatchedFiles, SeesAFileThatWasPutInPlaceByRenaming) {
  temporary_folder folder;
  folder.write("a.json", "old");
  watched_files files(folder.path() / "a.json", 100);
  files.look();
  files.look();
  ASSERT_TRUE(files.look().changes.empty());
  folder.write("b", "new");
  std::filesystem::last_write_time(folder.path() / "b", std::filesystem::last_write_time(folder.path() / "a.json"));
  std::filesystem::rename(folder.path() / "b", folder.path() / "a.json");
  const auto look = files.look();
  ASSERT_EQ(look.changes.size(), 1u);
  EXPECT_EQ(look.changes[0].content, "new");
}

TEST(WatchedFiles, TakesEveryJsonFileOfAFolderAndTellsThoseThatAreGone) {
  temporary_folder folder;
  folder.write("b.json", "b");
  folder.write("a.json", "a");
  folder.write("a.json.tmp", "x");
  folder.write(".hidden.json", "x");
  folder.write("notes.txt", "x");
  watched_files files(folder.path(), 100);
  auto look = files.look();
  ASSERT_EQ(look.changes.size(), 2u);
  EXPECT_EQ(look.changes[0].content, "a");
  EXPECT_EQ(look.changes[1].content, "b");
  std::filesystem::remove(folder.path() / "a.json");
  look = files.look();
  EXPECT_EQ(look.gone, std::vector<std::string>{(folder.path() / "a.json").string()});
}

TEST(WatchedFiles, SaysThatThePathIsNotThereAndTakesItWhenItComes) {
  temporary_folder folder;
  watched_files files(folder.path() / "later.json", 100);
  auto look = files.look();
  EXPECT_EQ(look.problem, "there is no such file or folder yet; it will be read when it comes");
  EXPECT_TRUE(look.changes.empty());
  folder.write("later.json", "x");
  look = files.look();
  EXPECT_EQ(look.problem, "");
  EXPECT_EQ(look.changes.size(), 1u);
  std::filesystem::remove(folder.path() / "later.json");
  look = files.look();
  EXPECT_TRUE(look.gone.empty()) << "a folder that is not mounted must not look like licenses that were taken away";
  EXPECT_NE(look.problem, "");
}

TEST(WatchedFiles, ReadsNoMoreThanItsLimitAndOneByte) {
  temporary_folder folder;
  folder.write("big.json", std::string(500'000, 'x'));
  watched_files files(folder.path() / "big.json", 100);
  const auto look = files.look();
  ASSERT_EQ(look.changes.size(), 1u);
  EXPECT_GT(look.changes[0].content->size(), 100u);
  EXPECT_LE(look.changes[0].content->size(), 20'000u);
}

TEST(WatchedFiles, DoesNotHangOnAPipeNorReadAFolder) {
  temporary_folder folder;
  ASSERT_EQ(mkfifo((folder.path() / "pipe.json").c_str(), 0600), 0);
  std::filesystem::create_directory(folder.path() / "sub.json");
  watched_files files(folder.path(), 100);
  const auto look = files.look();
  ASSERT_EQ(look.changes.size(), 2u);
  EXPECT_EQ(look.changes[0].problem, "it is no regular file");
  EXPECT_EQ(look.changes[1].problem, "Is a directory");
}

TEST(WatchedFiles, FollowsALinkToAFileThatIsReplaced) {
  temporary_folder folder;
  folder.write("v1", "one");
  folder.write("v2", "two");
  std::filesystem::create_symlink("v1", folder.path() / "a.json");
  watched_files files(folder.path() / "a.json", 100);
  files.look();
  files.look();
  std::filesystem::remove(folder.path() / "a.json");
  std::filesystem::create_symlink("v2", folder.path() / "a.json");
  const auto look = files.look();
  ASSERT_EQ(look.changes.size(), 1u);
  EXPECT_EQ(look.changes[0].content, "two");
}

}  // namespace
