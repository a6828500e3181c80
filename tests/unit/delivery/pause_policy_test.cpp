// When a paused endpoint is probed, and how long it was paused.
#include "core/delivery/pause_policy.hpp"
#include "core/delivery/message_id.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace tocsin {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

TEST(ProbeWait, GrowsFromFiveMinutesToAnHour) {
  EXPECT_EQ(probe_wait(0), 5min);
  EXPECT_EQ(probe_wait(1), 10min);
  EXPECT_EQ(probe_wait(3), 40min);
  EXPECT_EQ(probe_wait(4), 1h);
  EXPECT_EQ(probe_wait(4'000'000'000), 1h);
}

TEST(ViewWait, IsAsLongAsItHasWaitedWithinBounds) {
  EXPECT_EQ(view_wait(0ms), 5min);
  EXPECT_EQ(view_wait(7min), 7min);
  EXPECT_EQ(view_wait(100h), 15min);
}

TEST(PauseHistory, SumsWhatLiesBetweenTwoPoints) {
  pause_history history;
  history.add(100, 200);
  history.add(300, 350);
  EXPECT_EQ(history.paused(0, 1000), 150ms);
  EXPECT_EQ(history.paused(150, 320), 70ms);
  EXPECT_EQ(history.paused(200, 300), 0ms);
  EXPECT_EQ(history.paused(400, 100), 0ms);
}

TEST(PauseHistory, JoinsPausesThatTouchAndPassesOverEmptyOnes) {
  pause_history history;
  history.add(100, 200);
  history.add(150, 300);
  history.add(500, 500);
  history.add(600, 550);
  EXPECT_EQ(history.to_text(), "100-300");
}

TEST(PauseHistory, AgreesWithACountOfMillisecondsOnRandomPauses) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    pause_history history;
    std::vector<bool> paused(500);
    for (int i = 0; i < 10; ++i) {
      const auto since = random() % 400;
      const auto until = since + random() % 60;
      history.add(since, until);
      for (auto at = since; at < until; ++at) paused[at] = true;
    }
    const auto from = random() % 250;
    const auto to = from + random() % 250;
    const auto expected =
        std::count(paused.begin() + static_cast<long>(from), paused.begin() + static_cast<long>(to), true);
    ASSERT_EQ(history.paused(from, to).count(), expected);
  }
}

TEST(PauseHistory, IsRememberedAsText) {
  pause_history history;
  history.add(100, 200);
  history.add(300, 350);
  pause_history again;
  again.add_text(history.to_text());
  EXPECT_EQ(again.to_text(), "100-200 300-350");
  again.add_text("");
  again.add_text("nonsense");
  again.add_text("400-");
  again.add_text("-");
  EXPECT_EQ(again.to_text(), "100-200 300-350");
}

TEST(PauseHistory, ForgetsTheOldestBeyondItsLimit) {
  pause_history history;
  for (time_ms i = 0; i < 100; ++i) history.add(i * 10, i * 10 + 5);
  EXPECT_EQ(history.paused(0, 1'000), milliseconds(5 * pause_history::limit));
  EXPECT_EQ(history.paused(995 - 5, 1'000), 5ms);
}

TEST(MessageId, NamesTheDeliveryAndTheHostAndIsNotMadeTwice) {
  std::set<std::string> made;
  for (std::int64_t i = 0; i < 1'000; ++i) made.insert(make_message_id(delivery_id{i}, "mail.example.org"));
  EXPECT_EQ(made.size(), 1'000u);
  const auto one = make_message_id(delivery_id{77}, "mail.example.org");
  EXPECT_TRUE(one.starts_with(to_text(delivery_id{77}) + "."));
  EXPECT_TRUE(one.ends_with("@mail.example.org"));
  EXPECT_EQ(one.find_first_of(" <>\r\n"), std::string::npos);
}

}  // namespace
}  // namespace tocsin
