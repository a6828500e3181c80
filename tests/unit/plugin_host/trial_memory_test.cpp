// What is remembered of plugin files, and the note of a start.
#include "core/plugin_host/containment/trial_memory.hpp"
#include "core/plugin_host/containment/start_mark.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

namespace tocsin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

trial_record crashed(const std::string& when) {
  return {"chat", "1.4.0", "33cc", when, {trial_end::crashed, "constructor", "SIGSEGV", {}, {}}};
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(TrialMemory, KeepsEveryKindOfVerdictByContent) {
  const test::temporary_folder folder;
  const std::vector<trial_verdict> verdicts{
      {},
      {trial_end::refused, {}, "it calls itself \"x\".", "Tell the author.", {}},
      {trial_end::crashed, "constructor", "SIGSEGV", {}, {}},
      {trial_end::exited, "entry", "status 3", {}, {}},
      {trial_end::hung, "constructor", {}, {}, std::chrono::milliseconds(1500), 2},
      {trial_end::threw, "entry", "no memory", {}, {}},
      {trial_end::ended_host, "create", "exit()", {}, {}},
      {trial_end::suspected, "start", {}, {}, {}}};
  trial_memory memory(folder.path(), "1.0");
  for (std::size_t at = 0; at < verdicts.size(); ++at)
    memory.remember(std::to_string(at), {"chat", "1.4.0", "33cc", "2026-11-22T06:42:47Z", verdicts[at]});
  ASSERT_TRUE(memory.save());
  struct stat seen {};
  ASSERT_EQ(::stat(memory.file().c_str(), &seen), 0);
  EXPECT_EQ(seen.st_mode & 0777, 0600u);

  trial_memory again(folder.path(), "1.0");
  ASSERT_TRUE(again.load(false));
  ASSERT_EQ(again.all().size(), verdicts.size());
  for (std::size_t at = 0; at < verdicts.size(); ++at)
    EXPECT_EQ(again.find(std::to_string(at))->verdict, verdicts[at]) << to_text(verdicts[at].end);
}

TEST(TrialMemory, ForgetsWhatAnotherVersionOfTheHostFound) {
  const test::temporary_folder folder;
  trial_memory memory(folder.path(), "1.0");
  memory.remember("content", crashed("2026"));
  ASSERT_TRUE(memory.save());
  trial_memory newer(folder.path(), "1.1");
  ASSERT_TRUE(newer.load(false));
  EXPECT_EQ(newer.find("content"), nullptr);
}

TEST(TrialMemory, SetsABrokenFileAsideAndSaysSo) {
  for (const std::string& broken :
       {std::string("{"), std::string("[]"), std::string("{\"format\": 2, \"verdicts\": []}"), std::string(1, '\0'),
        std::string()}) {
    const test::temporary_folder folder;
    trial_memory memory(folder.path(), "1.0");
    std::ofstream(memory.file()) << broken;
    const auto loaded = memory.load(false);
    ASSERT_FALSE(loaded) << broken;
    EXPECT_THAT(loaded.error().to_string(), HasSubstr("plugin-trials.json.broken"));
    EXPECT_EQ(text_of(memory.file().string() + ".broken"), broken);
    memory.remember("content", crashed("2026"));
    EXPECT_TRUE(memory.save());
  }
}

TEST(TrialMemory, LeavesABrokenFileWhereItOnlyReads) {
  const test::temporary_folder folder;
  trial_memory memory(folder.path(), "1.0");
  std::ofstream(memory.file()) << "{";
  EXPECT_FALSE(memory.load(true));
  EXPECT_EQ(text_of(memory.file()), "{");
}

TEST(TrialMemory, DoesNotFollowALinkInItsPlace) {
  const test::temporary_folder folder;
  trial_memory memory(folder.path(), "1.0");
  std::ofstream(folder.path() / "elsewhere") << "{\"format\": 1, \"verdicts\": []}";
  fs::create_symlink("elsewhere", memory.file());
  EXPECT_FALSE(memory.load(false));
  memory.remember("content", crashed("2026"));
  ASSERT_TRUE(memory.save());
  EXPECT_EQ(text_of(folder.path() / "elsewhere"), "{\"format\": 1, \"verdicts\": []}");
}

TEST(TrialMemory, KeepsTheNewestOfVeryMany) {
  const test::temporary_folder folder;
  trial_memory memory(folder.path(), "1.0");
  for (int number = 0; number < 4200; ++number)
    memory.remember(std::to_string(number), crashed(std::to_string(10'000 + number)));
  ASSERT_TRUE(memory.save());
  EXPECT_EQ(memory.all().size(), 4096u);
  EXPECT_EQ(memory.find("0"), nullptr);
  EXPECT_NE(memory.find("4199"), nullptr);
}

TEST(StartMark, TellsTheNextHostWhatWasBeingStarted) {
  const test::temporary_folder folder;
  {
    start_mark mark(folder.path());
    EXPECT_FALSE(mark.left());
    mark.set("first", {"chat", "1.4.0", "33cc"}, "create", 1);
    mark.set("content", {"chat", "1.4.0", "33cc"}, "start", 2);
  }
  const auto left = start_mark(folder.path()).left();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->sha256, "content");
  EXPECT_EQ(left->plugin.id, "chat");
  EXPECT_EQ(left->plugin.build_id, "33cc");
  EXPECT_EQ(left->call, "start");
  EXPECT_EQ(left->times, 2u);
  EXPECT_EQ(left->evidence, "");
}

TEST(StartMark, BearsTheLastWordsOfTheHostThatWroteIt) {
  const test::temporary_folder folder;
  start_mark mark(folder.path());
  start_mark::add_word("chat", "get_extension", "SIGILL");  // nothing is being started
  mark.set("content", {"chat", "1.4.0", "33cc"}, "start", 1);
  EXPECT_EQ(mark.left()->evidence, "");
  start_mark::add_word("chat", "get_extension", "SIGBUS");
  EXPECT_EQ(mark.left()->call, "get_extension");
  EXPECT_EQ(mark.left()->evidence, "SIGBUS");
}

TEST(StartMark, HoldsNothingAgainstAPluginWhileAnotherEndsTheHost) {
  const test::temporary_folder folder;
  start_mark mark(folder.path());
  mark.set("content", {"chat", "1.4.0", "33cc"}, "start", 1);
  start_mark::add_word("another", "timer.fired", "SIGSEGV");
  EXPECT_FALSE(mark.left());
}

TEST(StartMark, SaysNothingOnceItIsClearedOrCutOff) {
  const test::temporary_folder folder;
  start_mark mark(folder.path());
  mark.set("content", {"chat", "1.4.0", "33cc"}, "start", 1);
  mark.clear();
  EXPECT_FALSE(mark.left());
  for (const std::string cut : {"{\"sha256\": \"con", "\n", "[]\n", "{}\n"}) {
    std::ofstream(folder.path() / "plugin-starting") << cut;
    EXPECT_FALSE(mark.left()) << cut;
  }
  mark.set("content", {"chat", "1.4.0", "33cc"}, "start", 1);
  mark.remove();
  EXPECT_FALSE(fs::exists(folder.path() / "plugin-starting"));
  mark.set("content", {"chat", "1.4.0", "33cc"}, "start", 1);
  start_mark::add_word("chat", "start", "SIGSEGV");
  EXPECT_FALSE(fs::exists(folder.path() / "plugin-starting"));
}

TEST(StartMark, LeavesNothingWhereTheProcessIsEndedForAnotherReason) {
  const test::temporary_folder folder;
  const auto die = [&folder] {
    start_mark mark(folder.path());
    mark.set("content", {"chat", "1.4.0", "33cc"}, "start", 1);
    start_mark::end_process(7);
  };
  EXPECT_EXIT(die(), testing::ExitedWithCode(7), "");
  EXPECT_TRUE(fs::exists(folder.path() / "plugin-starting"));
  EXPECT_FALSE(start_mark(folder.path()).left());
}

TEST(StartMark, EndsTheProcessWithoutANoteWhileNotesAreWrittenAndClosed) {
  const test::temporary_folder folder;
  for (int round = 0; round < 20; ++round) {
    const auto die = [&folder] {
      std::atomic<int> written{0};
      std::jthread writer([&](const std::stop_token&) {
        while (true) {
          start_mark mark(folder.path());
          for (int number = 0; number < 5; ++number, ++written)
            mark.set("content", {"chat", "1.4.0", "33cc"}, "start", 1);
          mark.remove();
        }
      });
      while (written < 20) std::this_thread::yield();
      start_mark::end_process(0);
    };
    EXPECT_EXIT(die(), testing::ExitedWithCode(0), "");
    EXPECT_FALSE(start_mark(folder.path()).left());
  }
}

TEST(StartMark, WritesNoWordWhereAnotherFileWasOpenedInItsStead) {
  const test::temporary_folder folder;
  const fs::path other = folder.path() / "other";
  std::atomic<bool> ended{false};
  std::jthread ending([&ended] {
    while (!ended) start_mark::add_word("chat", "start", "SIGSEGV");
  });
  for (int round = 0; round < 500; ++round) {
    start_mark mark(folder.path());
    mark.set("content", {"chat", "1.4.0", "33cc"}, "start", 1);
    mark.remove();
    std::ofstream(other) << "";  // takes the number that the note had
  }
  ended = true;
  ending.join();
  EXPECT_EQ(text_of(other), "");
}

TEST(StartMark, IsOneProcesssAtATime) {
  const test::temporary_folder folder;
  start_mark first(folder.path());
  ASSERT_TRUE(first.is_open());
  first.set("content", {"chat", "1.4.0", "33cc"}, "start", 1);
  start_mark second(folder.path());
  EXPECT_FALSE(second.is_open());
  EXPECT_THAT(second.why(), HasSubstr("another process starts plugins"));
  EXPECT_FALSE(second.left());
  second.set("other", {"mail", "1.0.0", "44dd"}, "start", 1);
  second.clear();
  EXPECT_EQ(first.left()->plugin.id, "chat");
  first.remove();
  start_mark third(folder.path());
  EXPECT_TRUE(third.is_open());
}

TEST(TrialVerdict, IsAClauseForTheReason) {
  EXPECT_EQ(describe({trial_end::crashed, "constructor", "SIGSEGV", {}, {}}),
            "it crashed (SIGSEGV) in a static constructor, in a trial process");
  EXPECT_EQ(describe({trial_end::exited, "entry", "status 0", {}, {}}),
            "it ended the process (status 0) in its entry function, in a trial process");
  EXPECT_EQ(describe({trial_end::hung, "constructor", {}, {}, std::chrono::seconds(5), 1}),
            "it did not come back from a static constructor within 5 s, in a trial process");
  EXPECT_EQ(describe({trial_end::hung, "entry", {}, {}, std::chrono::milliseconds(1500), 3}),
            "it did not come back from its entry function within 1500 ms, in 3 trials in a row");
  EXPECT_EQ(
      describe({trial_end::hung, "load", {}, {}, std::chrono::seconds(5), 0}),
      "it did not come back from a static constructor or its entry function within 5 s, in the host's own process");
  EXPECT_EQ(describe({trial_end::ended_host, "create", {}, {}, {}}),
            "a host or command ended in create() of the plugin");
}

TEST(TrialVerdict, OfATrialThatHungHoldsOnlyAfterSeveralInARow) {
  using std::chrono::seconds;
  trial_verdict hung{trial_end::hung, "constructor", {}, {}, seconds(5), 1};
  EXPECT_EQ(step_after(&hung, seconds(5)), next_step::try_out);
  hung.times = most_hung_trials - 1;
  EXPECT_EQ(step_after(&hung, seconds(5)), next_step::try_out);
  hung.times = most_hung_trials;
  EXPECT_EQ(step_after(&hung, seconds(5)), next_step::keep_out);
  EXPECT_EQ(step_after(&hung, seconds(6)), next_step::try_out) << "it has more time";
  const trial_verdict in_host{trial_end::hung, "load", {}, {}, seconds(5), 0};
  EXPECT_EQ(step_after(&in_host, seconds(5)), next_step::keep_out);
  EXPECT_EQ(step_after(&in_host, seconds(6)), next_step::try_out);
  const trial_verdict short_in_host{trial_end::hung, "load", {}, {}, std::chrono::milliseconds(300), 0};
  EXPECT_EQ(step_after(&short_in_host, shortest_trial), next_step::keep_out);
}

TEST(TrialVerdict, SaysWhatToDoNext) {
  const trial_verdict passed;
  const trial_verdict crashed{trial_end::crashed, "entry", "SIGBUS", {}, {}, 0};
  const trial_verdict suspected{trial_end::suspected, "start", {}, {}, {}, 0};
  EXPECT_EQ(step_after(nullptr, std::chrono::seconds(5)), next_step::try_out);
  EXPECT_EQ(step_after(&passed, std::chrono::seconds(5)), next_step::load);
  EXPECT_EQ(step_after(&suspected, std::chrono::seconds(5)), next_step::load);
  EXPECT_EQ(step_after(&crashed, std::chrono::hours(1)), next_step::keep_out);
}

}  // namespace
}  // namespace tocsin
