// Deliveries into a Maildir.
#include "plugins/channels/file/target.hpp"
#include "unit/file/folder.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace tocsin::file {
namespace {

using testing::make_item;
using testing::names_in;
using testing::read_file;

class Maildir : public ::testing::Test {
 protected:
  std::unique_ptr<target> open(mode_t mode = 0600) const {
    return open_maildir({folder / "mail", format::maildir, mode});
  }
  std::string code_of(const std::vector<item>& batch) const { return std::string(open()->write(batch).front().code); }

  testing::private_folder folder;
};

TEST_F(Maildir, IsMadeWithTheFirstDelivery) {
  const std::vector<item> batch = {make_item("1.a", "one\n"), make_item("1.b", "two\n")};
  for (const verdict& what : open()->write(batch)) EXPECT_TRUE(what.ok()) << what.detail;
  EXPECT_EQ(read_file(folder / "mail/new/1.a"), "one\n");
  EXPECT_EQ(read_file(folder / "mail/new/1.b"), "two\n");
  EXPECT_TRUE(names_in(folder / "mail/tmp").empty());
  EXPECT_TRUE(std::filesystem::is_directory(folder / "mail/cur"));
}

TEST_F(Maildir, GivesFilesAndFoldersTheWantedModeWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  const std::vector<item> batch = {make_item("1.a", "one\n")};
  open(0640)->write(batch);
  ::umask(before);
  struct stat facts {};
  ASSERT_EQ(::stat((folder / "mail/new/1.a").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0640u);
  ASSERT_EQ(::stat((folder / "mail/new").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0750u);
}

TEST_F(Maildir, HoldsARepeatedCopyOnce) {
  const std::vector<item> batch = {make_item("1.a", "one\n")};
  EXPECT_EQ(code_of(batch), "OK");
  EXPECT_EQ(code_of(batch), "OK");
  EXPECT_EQ(names_in(folder / "mail/new").size(), 1u);
}

TEST_F(Maildir, IsMadeAnewWhenSomebodyMovedItAway) {
  const auto mail = open();
  const std::vector<item> batch = {make_item("1.a", "one\n")};
  mail->write(batch);
  std::filesystem::rename(folder / "mail", folder / "old");
  EXPECT_EQ(mail->write(batch).front().code, "OK");
  EXPECT_EQ(read_file(folder / "mail/new/1.a"), "one\n");
}

TEST_F(Maildir, FollowsNoSymbolicLink) {
  std::filesystem::create_directory(folder / "elsewhere");
  std::filesystem::create_directory_symlink(folder / "elsewhere", folder / "mail");
  EXPECT_EQ(code_of({make_item("1.a", "one\n")}), "PATH_UNSUITABLE");
  EXPECT_TRUE(names_in(folder / "elsewhere").empty());
}

TEST_F(Maildir, RefusesAFileInTheFoldersPlaceAndAMissingFolderAbove) {
  testing::write_file(folder / "mail", "a file");
  EXPECT_EQ(code_of({make_item("1.a", "one\n")}), "PATH_UNSUITABLE");
  const auto nowhere = open_maildir({folder / "no/mail", format::maildir, 0600});
  const std::vector<item> batch = {make_item("1.a", "one\n")};
  const verdict what = nowhere->write(batch).front();
  EXPECT_EQ(what.code, "PATH_NOT_FOUND");
  EXPECT_NE(what.detail.find(folder / "no"), std::string::npos) << what.detail;
}

TEST_F(Maildir, RefusesAFolderThatEverybodyMayWriteTo) {
  std::filesystem::create_directory(folder / "mail");
  std::filesystem::permissions(folder / "mail", std::filesystem::perms::all);
  EXPECT_EQ(code_of({make_item("1.a", "one\n")}), "PATH_UNSUITABLE");
}

TEST_F(Maildir, RemovesWhatACrashLeftInTmpAfterADayAndAHalfAndNothingElse) {
  open()->write(std::vector<item>{make_item("1.a", "one\n")});
  testing::write_file(folder / "mail/tmp/1.b.P1Q1.tocsin", "torn");
  testing::write_file(folder / "mail/tmp/1.c.P1Q2.tocsin", "being written");
  testing::write_file(folder / "mail/tmp/others", "torn");
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(40);
  std::filesystem::last_write_time(folder / "mail/tmp/1.b.P1Q1.tocsin", long_ago);
  std::filesystem::last_write_time(folder / "mail/tmp/others", long_ago);
  open()->write(std::vector<item>{make_item("1.d", "four\n")});
  EXPECT_THAT(names_in(folder / "mail/tmp"), ::testing::UnorderedElementsAre("1.c.P1Q2.tocsin", "others"));
}

TEST_F(Maildir, LeavesNothingOfADeliveryForWhichThereIsNoRoom) {
  const auto write_beyond_the_limit = [&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const std::vector<item> batch = {make_item("1.a", std::string(5000, 'x')), make_item("1.b", "small\n")};
    const auto verdicts = open()->write(batch);
    const bool right = verdicts[0].code == "DISK_FULL" && verdicts[1].ok() &&
                       names_in(folder / "mail/new") == std::vector<std::string>{"1.b"} &&
                       names_in(folder / "mail/tmp").empty();
    ::_exit(right ? 0 : 1);
  };
  EXPECT_EXIT(write_beyond_the_limit(), ::testing::ExitedWithCode(0), "");
}

TEST_F(Maildir, IsLookedAtByADiagnosisWithoutATrace) {
  const auto mail = open();
  EXPECT_NE(mail->check_path().find("not there yet"), std::string::npos);
  mail->check_write();
  EXPECT_FALSE(std::filesystem::exists(folder / "mail"));
  mail->write(std::vector<item>{make_item("1.a", "one\n")});
  mail->check_path();
  mail->check_write();
  EXPECT_TRUE(names_in(folder / "mail/tmp").empty());
  EXPECT_EQ(names_in(folder / "mail/new").size(), 1u);
}

}  // namespace
}  // namespace tocsin::file
