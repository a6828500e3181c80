// What is believed of the lines on the pipe of a trial, which its plugin may write on, too.
#include "core/plugin_host/containment/trial_talk.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tocsin {
namespace {

trial_talk heard(bool is_started, const std::vector<std::string>& lines) {
  trial_talk talk("word", is_started);
  std::string text;
  for (const std::string& line : lines) text += trial_line("word", line);
  talk.read(text);
  EXPECT_EQ(text, "");
  return talk;
}

TEST(TrialTalk, HearsTheStagesInTheirOrderAndTheEnd) {
  const auto loaded = heard(false, {"host 1.0", "stage constructor", "stage entry", "passed"});
  EXPECT_EQ(loaded.version(), "1.0");
  EXPECT_EQ(loaded.stage(), "entry");
  EXPECT_EQ(loaded.last(), "passed");
  EXPECT_EQ(heard(true, {"host 1", "stage constructor", "stage entry", "stage create", "stage start", "passed"}).last(),
            "passed");
  EXPECT_EQ(heard(true, {"host 1", "stage constructor", "stage entry", "stage create", "passed"}).last(), "passed")
      << "a create() that fails";
  EXPECT_EQ(heard(false, {"host 1", "stage constructor", "refused no\tdo"}).last(), "refused no\tdo");
  EXPECT_EQ(heard(false, {"host 1", "unusable it is no plugin"}).last(), "unusable it is no plugin");
}

TEST(TrialTalk, BelievesNoStageTwiceOrOutOfTurn) {
  EXPECT_EQ(heard(false, {"host 1", "stage entry"}).stage(), "");
  EXPECT_EQ(heard(false, {"host 1", "stage constructor", "stage entry", "stage constructor"}).stage(), "entry");
  EXPECT_EQ(heard(false, {"host 1", "stage constructor", "stage entry", "stage create"}).stage(), "entry")
      << "this trial only loads";
  EXPECT_EQ(heard(true, {"host 1", "stage constructor", "stage start"}).stage(), "constructor");
  EXPECT_EQ(heard(true, {"host 1", "stage elsewhere"}).stage(), "");
  EXPECT_EQ(heard(false, {"stage constructor"}).stage(), "") << "the version comes first";
  EXPECT_EQ(heard(false, {"host 1", "host 2"}).version(), "1");
}

TEST(TrialTalk, BelievesNoEndThatCannotComeYetAndNothingAfterIt) {
  EXPECT_EQ(heard(false, {"host 1", "stage constructor", "passed"}).last(), "");
  EXPECT_EQ(heard(true, {"host 1", "stage constructor", "stage entry", "passed"}).last(), "");
  EXPECT_EQ(heard(false, {"host 1", "stage constructor", "unusable x"}).last(), "");
  EXPECT_EQ(heard(true, {"host 1", "stage constructor", "stage entry", "stage create", "refused x"}).last(), "");
  EXPECT_EQ(heard(false, {"host 1", "stage constructor", "stage entry", "well"}).last(), "");
  const auto ended = heard(true, {"host 1", "stage constructor", "threw it", "stage entry", "passed"});
  EXPECT_EQ(ended.last(), "threw it");
  EXPECT_EQ(ended.stage(), "constructor");
}

TEST(TrialTalk, PassesOverWhatBearsAnotherWordOrNone) {
  trial_talk talk("word", false);
  std::string text = "host 1\nwords host 1\nwordhost 1\n\nother host 1\nword host 2\nstage constructor\nhalf a li";
  talk.read(text);
  EXPECT_EQ(talk.version(), "2");
  EXPECT_EQ(talk.stage(), "");
  EXPECT_EQ(text, "half a li") << "it may go on";
  text += trial_line("word", "stage constructor");
  talk.read(text);
  EXPECT_EQ(talk.stage(), "constructor") << "a line that was left without an end hides none of the process's";
}

TEST(TrialTalk, IsOneLineEach) { EXPECT_EQ(trial_line("word", "threw a\nb"), "\nword threw a b\n"); }

}  // namespace
}  // namespace tocsin
