// Signals, and the end of a host that hangs.
#include "core/app/termination.hpp"

#include "core/app/signals.hpp"
#include "core/app/state_files.hpp"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

namespace tocsin::app {
namespace {

using namespace std::chrono_literals;
using request = termination::request;

TEST(Termination, TellsTheMainThreadOfEachSignal) {
  block_signals();
  host_progress progress;
  termination signals(progress, 1h);
  ASSERT_EQ(0, ::kill(::getpid(), SIGHUP));
  EXPECT_EQ(request::reload, signals.next());
  ASSERT_EQ(0, ::kill(::getpid(), SIGTERM));
  EXPECT_EQ(request::stop, signals.next());
  EXPECT_EQ(request::stop, signals.next());
}

TEST(Termination, EndsWhereNoSignalEverCame) {
  block_signals();
  host_progress progress;
  { const termination signals(progress, 1h); }
  EXPECT_STREQ("starting", progress.stage());
}

// Its main thread never comes to ask for the signal.
[[noreturn]] void hang_while_starting_plugins(const std::filesystem::path& folder) {
  block_signals();
  host_progress progress;
  const termination signals(progress, 50ms);
  auto address = write_address(folder, "127.0.0.1:8480");
  progress.serves_in(folder);
  progress.enter("starting plugins");
  ::kill(::getpid(), SIGTERM);
  for (;;) ::pause();
}

TEST(Termination, EndsAHostThatHangsNamesTheStageAndTakesTheAddressAway) {
  std::string name = (std::filesystem::temp_directory_path() / "tocsin-app-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  EXPECT_EXIT(hang_while_starting_plugins(folder), ::testing::ExitedWithCode(0), "while=.?starting plugins");
  EXPECT_FALSE(std::filesystem::exists(folder / "http.address"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tocsin::app
