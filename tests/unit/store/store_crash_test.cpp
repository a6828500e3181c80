// A host that is killed: what it had acknowledged is there.
#include "tests/unit/store/store_fixture.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tocsin::test {
namespace {

// Accepts one event after the other and writes the number of each acknowledged one to `out`, until it is killed.
[[noreturn]] void accept_until_killed(const std::filesystem::path& state_dir, int out) {
  auto opened = open_sqlite_store(state_dir, "mail.example.org");
  if (!opened) ::_exit(1);
  for (std::int64_t at = 1;; ++at) {
    (*opened)->accept(one_of(at), [out, at](const auto& answer) {
      if (!answer || ::write(out, &at, sizeof at) != sizeof at) ::_exit(1);
    });
    if (at % 50 == 0) answer_of<state_counts>([&](auto done) { (*opened)->counts({}, done); });
  }
}

TEST(StoreCrash, KeepsEverythingAcknowledgedWhenItsProcessIsKilled) {
  const temporary_folder folder;
  std::int64_t expected = 0;
  for (int round = 1; round <= 3; ++round) {
    const auto state_dir = folder.path() / std::to_string(round);
    int pipe_ends[2] = {};
    ASSERT_EQ(0, ::pipe(pipe_ends));
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipe_ends[0]);
      accept_until_killed(state_dir, pipe_ends[1]);
    }
    ::close(pipe_ends[1]);
    std::int64_t acknowledged = 0, last = 0;
    while (last < 100 * round && ::read(pipe_ends[0], &last, sizeof last) == sizeof last) acknowledged = last;
    ::kill(child, SIGKILL);
    while (::read(pipe_ends[0], &last, sizeof last) == sizeof last) acknowledged = last;
    ::close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(child, ::waitpid(child, &status, 0));
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
    ASSERT_GE(acknowledged, 100 * round);

    auto opened = open_sqlite_store(state_dir, "mail.example.org");
    ASSERT_TRUE(opened) << opened.error().to_string();
    waiting_store calls(**opened);
    auto found = calls.recover();
    ASSERT_TRUE(found);
    EXPECT_GE(found->last_identifier, acknowledged * 10);
    expected = 0;
    for (std::int64_t at = 1; at <= acknowledged; ++at) expected += *calls.get(delivery_id{at * 10}) ? 1 : 0;
    EXPECT_EQ(acknowledged, expected);
  }
}

TEST(StoreCrash, FreesTheFolderWithItsProcess) {
  const temporary_folder folder;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto opened = open_sqlite_store(folder.path() / "state", "mail.example.org");
    ::_exit(opened ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(child, ::waitpid(child, &status, 0));
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  auto opened = open_sqlite_store(folder.path() / "state", "mail.example.org");
  EXPECT_TRUE(opened) << opened.error().to_string();
}

}  // namespace
}  // namespace tocsin::test
