// Values of secret stores: fetched at once, renewed before they run out, asked for again; on a clock that the test
// turns.
#include "core/plugin_host/secret_keeper.hpp"

#include "support.hpp"

#include "core/observe/log.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace tocsin {
namespace {

using namespace std::chrono_literals;

// Holds the questions until the test answers them.
class asked_store final : public secret_store_port {
 public:
  std::uint64_t fetch(std::string reference, answered done) override {
    ++fetches;
    if (at_once) {
      done(answer(*at_once));
      return ++last;
    }
    open[reference] = std::move(done);
    return ++last;
  }
  void give_up(std::uint64_t request) override { given_up.push_back(request); }
  void close() override { closed = true; }

  static secret_answer answer(const std::string& value, std::chrono::milliseconds valid = -1ms) {
    secret_answer made;
    made.what = secret_answer::kind::value;
    made.value = wiped_text(value);
    made.valid = valid;
    return made;
  }
  static secret_answer failure(const std::string& why, bool unknown = false) {
    secret_answer made;
    made.what = unknown ? secret_answer::kind::no_such_secret : secret_answer::kind::unavailable;
    made.reason = why;
    return made;
  }
  void give(const std::string& reference, secret_answer what) {
    const auto done = std::move(open.at(reference));
    open.erase(reference);
    done(std::move(what));
  }

  std::optional<std::string> at_once;
  std::map<std::string, answered> open;  // by reference
  std::vector<std::uint64_t> given_up;
  std::uint64_t last = 0;
  int fetches = 0;
  bool closed = false;
};

struct SecretKeeper : testing::Test {
  SecretKeeper() { keeper.set_store("vault", secret_store_ptr(store)); }

  void ask(const std::vector<stored_secret>& wanted) {
    keeper.ask(wanted, [this] { ++rounds; });
  }
  std::string value(const std::string& reference) {
    const auto found = keeper.value({"vault", reference});
    return found ? *found : found.error().what;
  }

  test::captured_log log;
  test::manual_clock clock;
  std::shared_ptr<asked_store> store = std::make_shared<asked_store>();
  int changes = 0;
  int rounds = 0;
  secret_keeper keeper{clock, [this] { ++changes; }};
};

TEST_F(SecretKeeper, AsksForAllAtOnceAndIsDoneWhenTheLastHasAnswered) {
  ask({{"vault", "a"}, {"vault", "b"}});
  EXPECT_EQ(store->open.size(), 2u);
  store->give("b", asked_store::answer("two"));
  EXPECT_EQ(rounds, 0);
  store->give("a", asked_store::answer("one"));
  EXPECT_EQ(rounds, 1);
  EXPECT_EQ(value("a"), "one");
  EXPECT_EQ(value("b"), "two");
  EXPECT_EQ(changes, 0) << "who asked will look";
  EXPECT_EQ(clock.timers(), 0u) << "without an end nothing is left to do";
}

TEST_F(SecretKeeper, TakesAnAnswerThatComesWithinTheQuestion) {
  store->at_once = "quick";
  ask({{"vault", "a"}});
  EXPECT_EQ(rounds, 1);
  EXPECT_EQ(value("a"), "quick");
}

TEST_F(SecretKeeper, IsDoneAtOnceWhereNothingIsWanted) {
  ask({});
  EXPECT_EQ(rounds, 1);
}

TEST_F(SecretKeeper, WaitsTenSecondsInAllAndPassesALateAnswerOver) {
  ask({{"vault", "a"}, {"vault", "b"}});
  store->give("b", asked_store::answer("two"));
  const auto late = store->open.at("a");
  clock.advance(9999ms);
  EXPECT_EQ(rounds, 0);
  clock.advance(1ms);
  EXPECT_EQ(rounds, 1);
  EXPECT_EQ(store->given_up, (std::vector<std::uint64_t>{1}));
  EXPECT_NE(value("a").find("did not answer within 10 s"), std::string::npos);
  late(asked_store::answer("too late"));
  EXPECT_NE(value("a"), "too late");
  EXPECT_EQ(rounds, 1);
}

TEST_F(SecretKeeper, AsksAStoreThatCannotAnswerAgainAfterFiveSecondsAndThenEverMoreSeldom) {
  ask({{"vault", "a"}});
  std::vector<std::int64_t> waits;
  for (int round = 0; round < 9; ++round) {
    store->give("a", asked_store::failure("it is sealed"));
    waits.push_back(clock.next_timer()->count() / 1000);
    clock.advance(*clock.next_timer());
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{5, 10, 20, 40, 80, 160, 300, 300, 300}));
  EXPECT_EQ(value("a"), "The secret store \"vault\" does not give a: it is sealed.");
  EXPECT_EQ(keeper.value({"vault", "a"}).error().code, "SETTINGS_INVALID");
  EXPECT_EQ(log.count("secret store gives no value"), 1u) << "once for the same reason";
  store->give("a", asked_store::answer("open"));
  EXPECT_EQ(value("a"), "open");
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(log.count("secret store has answered"), 1u);
}

TEST_F(SecretKeeper, AsksForASecretThatIsNotThereAgainAfterFiveMinutes) {
  ask({{"vault", "a"}});
  store->give("a", asked_store::failure("no such path", true));
  EXPECT_EQ(value("a"), "The secret store \"vault\" has no a: no such path.");
  EXPECT_EQ(clock.next_timer(), 5min);
  clock.advance(5min);
  store->give("a", asked_store::answer("written meanwhile"));
  EXPECT_EQ(value("a"), "written meanwhile");
  EXPECT_EQ(changes, 1);
}

TEST_F(SecretKeeper, RenewsAValueShortlyBeforeItsEnd) {
  ask({{"vault", "a"}});
  store->give("a", asked_store::answer("first", 100s));
  clock.advance(80s - 1ms);
  EXPECT_TRUE(store->open.empty());
  clock.advance(1ms);
  EXPECT_EQ(value("a"), "first");
  store->give("a", asked_store::answer("first", 100s));
  EXPECT_EQ(changes, 0) << "it is the same";
  clock.advance(80s);
  store->give("a", asked_store::answer("second", 100s));
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(value("a"), "second");
}

TEST_F(SecretKeeper, RenewsALongOneAMinuteBeforeItsEnd) {
  ask({{"vault", "a"}});
  store->give("a", asked_store::answer("first", 24h));
  clock.advance(24h - 1min - 1ms);
  EXPECT_TRUE(store->open.empty());
  clock.advance(1ms);
  EXPECT_EQ(store->open.size(), 1u);
}

TEST_F(SecretKeeper, KeepsTheOldValueUntilItsEndWhileTheStoreIsDown) {
  ask({{"vault", "a"}});
  store->give("a", asked_store::answer("first", 100s));
  clock.advance(80s);
  store->give("a", asked_store::failure("it is sealed"));
  clock.advance(5s);
  store->give("a", asked_store::failure("it is sealed"));
  EXPECT_EQ(value("a"), "first");
  EXPECT_EQ(changes, 0);
  clock.advance(10s);
  store->give("a", asked_store::failure("it is sealed"));
  clock.advance(5s);
  EXPECT_NE(value("a").find("it is sealed"), std::string::npos);
  EXPECT_EQ(changes, 1);
  clock.advance(15s);
  store->give("a", asked_store::answer("second", 100s));
  EXPECT_EQ(value("a"), "second");
  EXPECT_EQ(changes, 2);
}

TEST_F(SecretKeeper, GivesAValueThatIsSaidToEndAtOnceASecond) {
  ask({{"vault", "a"}});
  store->give("a", asked_store::answer("brief", 0ms));
  EXPECT_EQ(value("a"), "brief");
  clock.advance(800ms);
  EXPECT_EQ(store->open.size(), 1u);
  clock.advance(200ms);
  EXPECT_NE(value("a").find("has run out"), std::string::npos);
  EXPECT_EQ(changes, 1);
}

TEST_F(SecretKeeper, AskedAgainKeepsAValueWithoutAnEndUntilTheStoreSaysThatThereIsNone) {
  ask({{"vault", "a"}});
  store->give("a", asked_store::answer("first"));
  ask({{"vault", "a"}});
  EXPECT_EQ(value("a"), "first");
  store->give("a", asked_store::failure("it is sealed"));
  EXPECT_EQ(rounds, 2);
  EXPECT_EQ(value("a"), "first");
  ask({{"vault", "a"}});
  store->give("a", asked_store::failure("it was removed", true));
  EXPECT_NE(value("a").find("it was removed"), std::string::npos);
}

TEST_F(SecretKeeper, SaysWhyAStoreCannotBeAskedAndDoesNotTryAgain) {
  keeper.set_store("broken", fault{"SETTINGS_INVALID", "The plugin refuses the address."});
  ask({{"broken", "a"}});
  EXPECT_EQ(rounds, 1);
  EXPECT_EQ(keeper.value({"broken", "a"}).error().what,
            "The secret store \"broken\" does not give a: The plugin refuses the address.");
  EXPECT_EQ(clock.timers(), 0u);
}

TEST_F(SecretKeeper, ForgetsWhatNobodyWantsAnyMore) {
  ask({{"vault", "a"}, {"vault", "b"}});
  store->give("a", asked_store::answer("one", 100s));
  store->give("b", asked_store::answer("two", 100s));
  keeper.keep_only({{"vault", "b"}});
  EXPECT_NE(value("a"), "one");
  EXPECT_EQ(value("b"), "two");
  EXPECT_EQ(clock.timers(), 2u);
}

TEST_F(SecretKeeper, StoppedAsksNothingAndKeepsWhatItKnows) {
  ask({{"vault", "a"}, {"vault", "b"}});
  store->give("a", asked_store::answer("one", 100s));
  keeper.stop();
  EXPECT_EQ(rounds, 1) << "whoever waits goes on";
  EXPECT_EQ(clock.timers(), 0u);
  EXPECT_EQ(value("a"), "one");
}

TEST(Wipe, LeavesNothingOfASecret) {
  std::string secret = "a secret that is longer than what a string holds within itself";
  secret.reserve(200);
  const char* bytes = secret.data();
  wipe(secret);
  EXPECT_TRUE(secret.empty());
  EXPECT_TRUE(std::all_of(bytes, bytes + secret.capacity(), [](char c) { return c == 0; }));
}

TEST(Wipe, LeavesNothingWhereAShortSecretWasMovedFrom) {
  wiped_text first(std::string("short"));
  const wiped_text second(std::move(first));
  EXPECT_EQ(second.get(), "short");
  const auto* bytes = reinterpret_cast<const char*>(&first);
  EXPECT_EQ(std::string_view(bytes, sizeof(first)).find("hort"), std::string_view::npos);
}

}  // namespace
}  // namespace tocsin
