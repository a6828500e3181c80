// The queue between the bus and a subscriber, and who gets which event.
#include "core/bus/subscription.hpp"

#include <gtest/gtest.h>

#include <future>

namespace tocsin {
namespace {

event_ptr make(std::string id, std::string type = "tocsin.test", std::string organization = {},
               severity how_bad = severity::info) {
  auto made = std::make_shared<event>();
  made->id = std::move(id);
  made->source = "/test";
  made->type = std::move(type);
  made->organization = std::move(organization);
  made->severity = how_bad;
  return made;
}

// What a subscriber was handed; may be told to stay in a call.
struct recorder {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> ids;
  std::vector<std::uint64_t> losses;
  std::size_t inside = 0, most_inside = 0;
  bool hold = false;
  bool fails = false;  // it does not know what became of what it was handed

  bool take(std::span<const event_ptr> events, std::uint64_t lost) {
    std::unique_lock lock(mutex);
    most_inside = std::max(most_inside, ++inside);
    changed.notify_all();
    changed.wait(lock, [this] { return !hold; });
    for (const event_ptr& one : events) ids.push_back(one->id);
    losses.push_back(lost);
    --inside;
    changed.notify_all();
    return !fails;
  }
  void set_hold(bool value) {
    const std::lock_guard lock(mutex);
    hold = value;
    changed.notify_all();
  }
  bool wait(const std::function<bool()>& what) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), what);
  }
};

struct house {
  executor pool{2};
  recorder seen;
  loss_counter losses = std::make_shared<std::atomic<std::uint64_t>>(0);
  subscription_ptr make_subscription(subscription_filter filter = {}, std::size_t capacity = 10'000) {
    return std::make_shared<subscription>(
        std::move(filter), pool,
        [this](std::span<const event_ptr> events, std::uint64_t lost) { return seen.take(events, lost); }, losses,
        capacity);
  }
  // What waited when it was closed; nothing: a call has not come back.
  static std::optional<std::uint64_t> close(const subscription_ptr& one) {
    std::uint64_t dropped = 0;
    return one->close(std::chrono::seconds(20), dropped) ? std::optional(dropped) : std::nullopt;
  }
};

TEST(Subscription, HandsEventsOnInOrderAndOneCallAtATime) {
  house at;
  const auto one = at.make_subscription();
  std::vector<std::string> expected;
  for (int number = 0; number < 1000; ++number) {
    expected.push_back(std::to_string(number));
    const event_ptr value = make(expected.back());
    one->push({&value, 1});
  }
  ASSERT_TRUE(at.seen.wait([&] { return at.seen.ids.size() == 1000 && at.seen.inside == 0; }));
  EXPECT_EQ(at.seen.ids, expected);
  EXPECT_EQ(at.seen.most_inside, 1u);
  EXPECT_EQ(house::close(one), 0u);
  EXPECT_EQ(*at.losses, 0u);
}

TEST(Subscription, CountsWhatDoesNotFitAndTellsItWithTheNextCall) {
  house at;
  at.seen.set_hold(true);
  const auto one = at.make_subscription({}, 3);
  const event_ptr first = make("first");
  one->push({&first, 1});
  ASSERT_TRUE(at.seen.wait([&] { return at.seen.inside == 1; }));
  const std::vector<event_ptr> five{make("1"), make("2"), make("3"), make("4"), make("5")};
  one->push(five);
  at.seen.set_hold(false);
  ASSERT_TRUE(at.seen.wait([&] { return at.seen.losses.size() == 2 && at.seen.inside == 0; }));
  EXPECT_EQ(at.seen.ids, (std::vector<std::string>{"first", "1", "2", "3"}));
  EXPECT_EQ(at.seen.losses, (std::vector<std::uint64_t>{0, 2}));
  EXPECT_EQ(house::close(one), 0u);
  EXPECT_EQ(*at.losses, 2u);
}

TEST(Subscription, CountsWhatNobodyKnowsTheFateOfAndTellsItWithTheNextCall) {
  house at;
  at.seen.fails = true;
  const auto one = at.make_subscription();
  const std::vector<event_ptr> two{make("1"), make("2")};
  one->push(two);
  ASSERT_TRUE(at.seen.wait([&] { return at.seen.losses.size() == 1; }));
  one->push({&two[0], 1});
  ASSERT_TRUE(at.seen.wait([&] { return at.seen.losses.size() == 2 && at.seen.inside == 0; }));
  EXPECT_EQ(at.seen.losses, (std::vector<std::uint64_t>{0, 2}));
  EXPECT_EQ(house::close(one), 0u);
  EXPECT_EQ(*at.losses, 3u);
}

TEST(Subscription, AfterItIsClosedNoCallBeginsAndWhatWaitedOrComesIsCounted) {
  house at;
  at.seen.set_hold(true);
  const auto one = at.make_subscription();
  const event_ptr first = make("first"), second = make("second"), third = make("third");
  one->push({&first, 1});
  ASSERT_TRUE(at.seen.wait([&] { return at.seen.inside == 1; }));
  one->push({&second, 1});
  std::uint64_t dropped = 0;
  EXPECT_FALSE(one->close(std::chrono::milliseconds(0), dropped)) << "a call is still inside";
  EXPECT_EQ(dropped, 1u);
  at.seen.set_hold(false);
  EXPECT_EQ(house::close(one), 0u);
  one->push({&third, 1});
  at.pool.stop();
  EXPECT_EQ(at.seen.ids, (std::vector<std::string>{"first"}));
  EXPECT_EQ(*at.losses, 2u);
}

TEST(Subscription, ThatIsReplacedLeavesWhatWaitsAndWhatComesToTheNextInOrder) {
  house at;
  recorder& seen = at.seen;
  seen.set_hold(true);
  const auto before = at.make_subscription({}, 4);
  const auto after = at.make_subscription({{"tocsin.*"}, {}, {}}, 4);
  const std::vector<event_ptr> all{make("0"), make("1"), make("2", "other"), make("3"), make("4"), make("5")};
  before->push({&all[0], 1});
  ASSERT_TRUE(seen.wait([&] { return seen.inside == 1; }));
  before->push({&all[1], 2});
  EXPECT_FALSE(before->hold(std::chrono::milliseconds(0))) << "a call is still inside";
  before->push({&all[3], 1});  // of a publication that was under way
  seen.set_hold(false);
  EXPECT_TRUE(before->hold(std::chrono::seconds(20)));
  EXPECT_EQ(seen.ids, (std::vector<std::string>{"0"})) << "no call begins any more";
  before->hand_over(after);
  before->push({&all[2], 1});
  before->push({&all[4], 1});
  after->push({&all[5], 1});
  ASSERT_TRUE(seen.wait([&] { return seen.ids.size() == 5; }));
  EXPECT_EQ(seen.ids, (std::vector<std::string>{"0", "1", "3", "4", "5"})) << "and what the next does not want is left";
  EXPECT_EQ(house::close(after), 0u);
  EXPECT_EQ(*at.losses, 0u);
}

TEST(Subscription, ThatIsReplacedLeavesToTheNextWhatItHasNotToldAsLost) {
  house at;
  recorder& seen = at.seen;
  seen.set_hold(true);
  const auto before = at.make_subscription({}, 1);
  const auto after = at.make_subscription();
  const std::vector<event_ptr> all{make("0"), make("1"), make("2")};
  before->push({&all[0], 1});
  ASSERT_TRUE(seen.wait([&] { return seen.inside == 1; }));
  before->push({&all[1], 2});
  EXPECT_FALSE(before->hold(std::chrono::milliseconds(0)));
  before->hand_over(after);
  seen.set_hold(false);
  ASSERT_TRUE(seen.wait([&] { return seen.losses.size() == 2; }));
  EXPECT_EQ(seen.losses[0] + seen.losses[1], 1u);
  EXPECT_EQ(house::close(after), 0u);
  EXPECT_EQ(*at.losses, 1u);
}

TEST(Subscription, WithNobodyToTakeEventsKeepsThemForTheNextAndTheNextButOne) {
  house at;
  const auto held = [&](subscription_filter filter) {
    return std::make_shared<subscription>(std::move(filter), at.pool, nullptr, at.losses, 2);
  };
  const auto first = held({});
  const auto second = held({{"tocsin.*"}, {}, {}});
  const std::vector<event_ptr> all{make("0"), make("1", "other"), make("2"), make("3")};
  first->push({all.data(), 3});
  EXPECT_EQ(*at.losses, 1u) << "there is room for two";
  EXPECT_TRUE(first->hold(std::chrono::milliseconds(0)));
  first->hand_over(second);
  first->push({&all[3], 1});
  EXPECT_TRUE(second->hold(std::chrono::milliseconds(0)));
  const auto third = at.make_subscription();
  second->hand_over(third);
  ASSERT_TRUE(at.seen.wait([&] { return at.seen.ids.size() == 2; }));
  EXPECT_EQ(at.seen.ids, (std::vector<std::string>{"0", "3"}));
  EXPECT_EQ(at.seen.losses.front(), 1u);
  EXPECT_EQ(house::close(third), 0u);
}

TEST(Subscription, SaysWhenTheCallUnderWayHasComeBackAndAtOnceWhereThereIsNone) {
  house at;
  at.seen.set_hold(true);
  const auto one = at.make_subscription();
  const event_ptr value = make("0");
  one->push({&value, 1});
  ASSERT_TRUE(at.seen.wait([&] { return at.seen.inside == 1; }));
  EXPECT_FALSE(one->hold(std::chrono::milliseconds(0)));
  std::promise<bool> is_back;
  one->when_idle([&] { is_back.set_value(at.seen.inside == 0); });
  EXPECT_FALSE(one->wait_until_idle(std::chrono::milliseconds(0)));
  at.seen.set_hold(false);
  auto answer = is_back.get_future();
  ASSERT_EQ(answer.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_TRUE(answer.get());
  EXPECT_TRUE(one->wait_until_idle(std::chrono::milliseconds(0)));
  bool at_once = false;
  one->when_idle([&] { at_once = true; });
  EXPECT_TRUE(at_once);
}

TEST(Subscription, ThatFailsAfterItsTimeLeavesTheLossToTheLastThatReplacedIt) {
  house at;
  recorder slow;
  slow.hold = true;
  slow.fails = true;
  const auto one = std::make_shared<subscription>(
      subscription_filter{}, at.pool,
      [&slow](std::span<const event_ptr> events, std::uint64_t lost) { return slow.take(events, lost); }, at.losses);
  const auto next = std::make_shared<subscription>(subscription_filter{}, at.pool, nullptr, at.losses);
  const auto last = at.make_subscription();
  const event_ptr value = make("0");
  one->push({&value, 1});
  ASSERT_TRUE(slow.wait([&] { return slow.inside == 1; }));
  EXPECT_FALSE(one->hold(std::chrono::milliseconds(0)));
  one->hand_over(next);
  next->hand_over(last);
  slow.set_hold(false);
  ASSERT_TRUE(one->wait_until_idle(std::chrono::seconds(20)));
  one->push({&value, 1});
  ASSERT_TRUE(at.seen.wait([&] { return at.seen.losses.size() == 1; }));
  EXPECT_EQ(at.seen.losses.front(), 1u);
  EXPECT_EQ(house::close(last), 0u);
  EXPECT_EQ(*at.losses, 1u);
}

std::vector<subscription_set::position> who_wants(const subscription_set& all, const event_ptr& value) {
  std::vector<subscription_set::position> wanted;
  all.find(*value, wanted);
  return wanted;
}

TEST(SubscriptionSet, FindsThoseWhoseTypesSeverityAndOrganizationFitEachOnce) {
  house at;
  const subscription_set all({at.make_subscription(), at.make_subscription({{"tocsin.license.*", "tocsin.*"}, {}, {}}),
                              at.make_subscription({{"tocsin.license.expired"}, severity::error, {}}),
                              at.make_subscription({{}, {}, "acme"})});
  using found = std::vector<subscription_set::position>;
  EXPECT_EQ(who_wants(all, make("1", "other")), (found{0}));
  EXPECT_EQ(who_wants(all, make("1", "tocsin.license.expired")), (found{0, 1}));
  EXPECT_EQ(who_wants(all, make("1", "tocsin.license.expired", "", severity::fatal)), (found{0, 1, 2}));
  EXPECT_EQ(who_wants(all, make("1", "other", "acme")), (found{0, 3}));
  EXPECT_EQ(who_wants(all, make("1", "other", "umbrella")), (found{0}));
}

}  // namespace
}  // namespace tocsin
