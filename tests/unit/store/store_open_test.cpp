// Opening: the folder, its lock, the version, a damaged file.
#include "tests/unit/store/store_fixture.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace tocsin::test {
namespace {

using StoreOpen = Store;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(0, ::stat(path.c_str(), &status)) << path;
  return status.st_mode & 07777;
}

TEST_F(StoreOpen, KeepsEverybodyElseOutOfItsFiles) {
  EXPECT_EQ(0700u, mode_of(folder_.path() / "state"));
  for (const char* name : {"tocsin.db", "tocsin.db-wal", "store.key", "lock"}) {
    EXPECT_EQ(0600u, mode_of(folder_.path() / "state" / name)) << name;
  }
}

TEST_F(StoreOpen, TakesAwayTheRightsOfOthersToAStoreThatIsThere) {
  store_.reset();
  ASSERT_EQ(0, ::chmod(file().c_str(), 0644));
  open();
  EXPECT_EQ(0600u, mode_of(file()));
}

TEST_F(StoreOpen, IsForOneHostAtATimeAndNamesTheOther) {
  auto second = open_sqlite_store(folder_.path() / "state", "mail.example.org");
  ASSERT_FALSE(second);
  EXPECT_EQ("STORE_LOCKED", second.error().code);
  EXPECT_NE(std::string::npos, second.error().what.find("process " + std::to_string(::getpid())))
      << second.error().what;
  store_.reset();
  EXPECT_TRUE(open_sqlite_store(folder_.path() / "state", "mail.example.org"));
}

TEST_F(StoreOpen, RefusesAStoreOfANewerVersion) {
  store_.reset();
  look(file(), "PRAGMA user_version = 99");
  auto opened = open_sqlite_store(folder_.path() / "state", "mail.example.org");
  ASSERT_FALSE(opened);
  EXPECT_EQ("STORE_VERSION", opened.error().code);
  EXPECT_NE(std::string::npos, opened.error().what.find("99"));
}

TEST_F(StoreOpen, LeavesAForeignDatabaseAlone) {
  store_.reset();
  std::filesystem::remove(file());
  look(file(), "CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES (1)");
  auto opened = open_sqlite_store(folder_.path() / "state", "mail.example.org");
  ASSERT_FALSE(opened);
  EXPECT_EQ("STORE_FAILED", opened.error().code);
  EXPECT_EQ(1, look(file(), "SELECT count(*) FROM recipes")[0][0]);
}

TEST_F(StoreOpen, SaysWhyAFolderCannotBeMade) {
  std::ofstream(folder_.path() / "file") << "x";
  auto opened = open_sqlite_store(folder_.path() / "file" / "state", "mail.example.org");
  ASSERT_FALSE(opened);
  EXPECT_EQ("STORE_FAILED", opened.error().code);
  EXPECT_NE(std::string::npos, opened.error().what.find("file"));
}

TEST_F(StoreOpen, MakesTheFoldersAboveToo) {
  auto opened = open_sqlite_store(folder_.path() / "a" / "b" / "state", "mail.example.org");
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_EQ(0700u, mode_of(folder_.path() / "a" / "b" / "state"));
}

TEST_F(StoreOpen, KeepsTheFirstMessageHost) {
  store_.reset();
  auto opened = open_sqlite_store(folder_.path() / "state", "other.example.org");
  ASSERT_TRUE(opened);
  EXPECT_EQ("mail.example.org", waiting_store(**opened).recover()->message_host);
}

}  // namespace
}  // namespace tocsin::test
