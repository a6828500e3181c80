// Deliveries as lines at a file's end.
#include "plugins/channels/file/record.hpp"
#include "plugins/channels/file/target.hpp"
#include "unit/file/folder.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

namespace tocsin::file {
namespace {

using testing::make_item;
using testing::read_file;

class LineFile : public ::testing::Test {
 protected:
  std::unique_ptr<target> open() const { return open_line_file({path, format::jsonl, 0600}); }
  verdict write(const std::string& line) const { return open()->write(std::vector<item>{make_item({}, line)}).front(); }

  testing::private_folder folder;
  const std::string path = folder / "alerts.jsonl";
};

TEST_F(LineFile, IsMadeWithTheFirstLinesAndThenAppendedTo) {
  const auto lines = open();
  for (const verdict& what : lines->write(std::vector<item>{make_item({}, "{1}\n"), make_item({}, "{2}\n")})) {
    EXPECT_TRUE(what.ok()) << what.detail;
  }
  EXPECT_TRUE(write("{3}\n").ok());
  EXPECT_EQ(read_file(path), "{1}\n{2}\n{3}\n");
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777U, 0600u);
}

TEST_F(LineFile, LosesATornLastLineOfItsOwn) {
  const std::string start(record_start);
  for (const std::string& torn :
       {start + "\"a\",\"text\":\"cut", start.substr(0, 3), start + std::string(200000, 'x')}) {
    testing::write_file(path, "{1}\n" + torn);
    EXPECT_TRUE(write("{2}\n").ok());
    EXPECT_EQ(read_file(path), "{1}\n{2}\n");
  }
}

TEST_F(LineFile, KeepsALastLineOfSomebodyElseAndEndsIt) {
  testing::write_file(path, "a heading");
  EXPECT_TRUE(write("{1}\n").ok());
  EXPECT_EQ(read_file(path), "a heading\n{1}\n");
}

TEST_F(LineFile, GoesOnInANewFileAfterARotation) {
  const auto lines = open();
  lines->write(std::vector<item>{make_item({}, "{1}\n")});
  std::filesystem::rename(path, path + ".1");
  lines->write(std::vector<item>{make_item({}, "{2}\n")});
  EXPECT_EQ(read_file(path + ".1"), "{1}\n");
  EXPECT_EQ(read_file(path), "{2}\n");
}

TEST_F(LineFile, RefusesWhatIsNoRegularFile) {
  std::filesystem::create_directory(path);
  EXPECT_EQ(write("{1}\n").code, "PATH_UNSUITABLE");
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(write("{1}\n").code, "PATH_UNSUITABLE");
  std::filesystem::remove(path);
  testing::write_file(folder / "other", "kept");
  std::filesystem::create_symlink(folder / "other", path);
  EXPECT_EQ(write("{1}\n").code, "PATH_UNSUITABLE");
  EXPECT_EQ(read_file(folder / "other"), "kept");
}

TEST_F(LineFile, RefusesAFileThatEverybodyMayWriteTo) {
  testing::write_file(path, "");
  std::filesystem::permissions(path, std::filesystem::perms::all);
  const verdict what = write("{1}\n");
  EXPECT_EQ(what.code, "PATH_UNSUITABLE");
  EXPECT_NE(what.detail.find("chmod o-w"), std::string::npos);
}

TEST_F(LineFile, WaitsOnlySoLongForAnotherProcessesLock) {
  testing::write_file(path, "");
  const int held = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  EXPECT_EQ(write("{1}\n").code, "FILE_BUSY");
  ::close(held);
  EXPECT_TRUE(write("{1}\n").ok());
  EXPECT_EQ(read_file(path), "{1}\n");
}

TEST_F(LineFile, LeavesNothingOfABatchForWhichThereIsNoRoom) {
  const auto write_beyond_the_limit = [&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const bool first = write("{1}\n").ok();
    const bool second = write(std::string(record_start) + std::string(5000, 'x') + "\n").code == "DISK_FULL";
    const bool third = write("{3}\n").ok();
    ::_exit(first && second && third && read_file(path) == "{1}\n{3}\n" ? 0 : 1);
  };
  EXPECT_EXIT(write_beyond_the_limit(), ::testing::ExitedWithCode(0), "");
}

TEST_F(LineFile, IsLookedAtByADiagnosisWithoutATrace) {
  const auto lines = open();
  EXPECT_NE(lines->check_path().find("not there yet"), std::string::npos);
  lines->check_write();
  EXPECT_FALSE(std::filesystem::exists(path));
  write("{1}\n");
  lines->check_path();
  lines->check_write();
  EXPECT_EQ(read_file(path), "{1}\n");
}

}  // namespace
}  // namespace tocsin::file
