// The host's own failures on their way: over another channel, once, also over a crash, and never round in a circle.
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/bus/bus_house.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace tocsin::test {
namespace {

using namespace std::chrono_literals;

// A host that is told of failures: [channels.email] and [channels.backup], failures go to backup.
struct failing_house {
  explicit failing_house(std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>(),
                         time_ms at = manual_clock::start_time)
      : clock(at), store(std::move(disk)), house(store, clock, pool) {
    house.tells_failures = true;
    house.settings->add("email", 1);
    house.settings->add_own("email", "acme", 2);
    house.settings->add("backup", 3);
    house.settings->retry_value = {1s, 1min, 1h};
    route all = bus_house::make_route();
    all.types = {"tocsin.test"};
    house.settings->routes_value = {all, to_operators({"backup"})};
    house.channel->slots = 64;
  }
  ~failing_house() {
    quiet();
    house.failures.reset();
    house.bus.reset();
    house.dispatcher.reset();
    store.close();
    pool.stop();
  }

  static route to_operators(std::vector<std::string> channels) {
    route made;
    made.name = "operators";
    made.types = {"tocsin.channel.*", "tocsin.delivery.*", "tocsin.plugin.*"};
    made.channels = std::move(channels);
    made.to = {"root"};
    return made;
  }

  // How each attempt for the events of applications ends; news of failures get through.
  void fail(outcome_class how, std::string code) {
    house.channel->say([how, code](const outgoing_message& message) -> std::optional<outcome> {
      if (message.payload->source == failure_source) return fake_channel::ended(outcome_class::delivered, "OK");
      return fake_channel::ended(how, code, "550 no");
    });
  }
  void fail_all(outcome_class how, std::string code) {
    house.channel->say([how, code](const outgoing_message&) { return fake_channel::ended(how, code); });
  }

  void start() {
    house.start();
    quiet();
  }
  void quiet() {
    std::uint64_t before = 0;
    for (int unchanged = 0; unchanged < 6;) {
      std::promise<void> reached;
      pool.post([&] { reached.set_value(); });
      reached.get_future().wait();
      store.wait();
      const auto after = store.answered() + house.channel->seen().size();
      unchanged = after == before ? unchanged + 1 : 0;
      before = after;
    }
  }
  void pass(std::chrono::milliseconds by) {
    quiet();  // what was begun before is not begun later
    while (by.count() > 0) {
      const auto next = clock.next_timer();
      const auto step = next && next->count() > 0 ? std::min(*next, by) : by;
      clock.advance(step);
      quiet();
      by -= step;
    }
  }
  void publish(const std::string& id, const std::string& organization = {}) {
    ASSERT_TRUE(house.publish({bus_house::make_event(id, "tocsin.test", organization)}));
    quiet();
  }

  // The events of failures that are in the store, in the order of their types and ids.
  std::vector<event> told(std::string_view type = {}) {
    std::vector<event> all;
    const std::lock_guard lock(store.disk().mutex);
    for (const auto& [id, value] : store.disk().events) {
      if (value->source == failure_source && (type.empty() || value->type == type)) all.push_back(*value);
    }
    return all;
  }
  // Subjects of what the backup channel has delivered.
  std::size_t delivered_over(const std::string& channel, std::string_view type) {
    std::size_t n = 0;
    for (const auto& row : store.rows()) {
      const std::lock_guard lock(store.disk().mutex);
      n += row.state == delivery_state::delivered && row.delivery.endpoint.channel == channel &&
           store.disk().events.at(row.event)->type == type;
    }
    return n;
  }
  std::vector<std::string> memory() {
    std::vector<std::string> names;
    const std::lock_guard lock(store.disk().mutex);
    for (const auto& [key, value] : store.disk().memory) {
      if (key.first == "tocsin/failures") names.push_back(key.second);
    }
    return names;
  }

  manual_clock clock;
  fake_store store;
  executor pool{1};
  bus_house house;
};

boost::json::object data_of(const event& value) { return boost::json::parse(value.data).as_object(); }

TEST(FailureReporter, SaysOverAnotherChannelThatOneIsDownAndThatItIsUpAgain) {
  failing_house at;
  at.fail(outcome_class::auth, "AUTH_REJECTED");
  at.start();
  at.publish("1");
  const auto down = at.told("tocsin.channel.down");
  ASSERT_EQ(down.size(), 1u);
  EXPECT_EQ(data_of(down.front()).at("code").as_string(), "AUTH_REJECTED");
  EXPECT_EQ(at.delivered_over("backup", "tocsin.channel.down"), 1u);
  EXPECT_TRUE(at.told("tocsin.channel.up").empty());

  at.fail(outcome_class::delivered, "OK");
  at.pass(6min);  // the probe
  EXPECT_EQ(at.told("tocsin.channel.up").size(), 1u);
  EXPECT_EQ(at.delivered_over("backup", "tocsin.channel.up"), 1u);
  EXPECT_TRUE(at.memory().empty());
}

TEST(FailureReporter, SaysThatAnOrganizationsOwnServerIsDownAsAnEventOfThatOrganization) {
  failing_house at;
  at.fail(outcome_class::auth, "AUTH_REJECTED");
  at.start();
  at.publish("1", "acme");
  const auto down = at.told("tocsin.channel.down");
  ASSERT_EQ(down.size(), 1u);
  EXPECT_EQ(down.front().organization, "acme");
}

TEST(FailureReporter, SaysAnAvalancheOfDeadDeliveriesInOneEvent) {
  failing_house at;
  at.fail(outcome_class::permanent, "RECIPIENT_REJECTED");
  at.start();
  for (int i = 0; i < 10; ++i) {
    std::vector<event> many;
    for (int k = 0; k < 100; ++k) many.push_back(bus_house::make_event(std::to_string(i * 100 + k)));
    ASSERT_TRUE(at.house.publish(std::move(many)));
  }
  at.quiet();
  EXPECT_EQ(at.store.count(delivery_state::dead), 1000u);
  EXPECT_EQ(at.memory().size(), 1u);
  at.pass(1min);
  const auto told = at.told();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(data_of(told.front()).at("count").as_int64(), 1000);
  EXPECT_EQ(at.delivered_over("backup", "tocsin.delivery.failed"), 1u);
  EXPECT_TRUE(at.memory().empty());

  at.publish("later");
  at.pass(1min);
  EXPECT_EQ(at.told().size(), 1u);  // within the quiet time
  at.pass(10min);
  EXPECT_EQ(at.told().size(), 2u);
}

TEST(FailureReporter, CountsAnEventThatExpiredAsAFailure) {
  failing_house at;
  at.fail(outcome_class::transient, "TCP_REFUSED");
  at.start();
  auto value = bus_house::make_event("1");
  value.expires = at.clock.now() + 30'000;
  ASSERT_TRUE(at.house.publish({value}));
  at.pass(2min);
  const auto told = at.told("tocsin.delivery.failed");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(data_of(told.front()).at("code").as_string(), "EXPIRED");
}

TEST(FailureReporter, NeverSendsNewsOfAnEndpointOverThatEndpoint) {
  failing_house at;
  at.house.settings->routes_value.back() = failing_house::to_operators({"email"});
  at.fail(outcome_class::permanent, "RECIPIENT_REJECTED");
  at.start();
  at.publish("1");
  at.pass(1min);
  ASSERT_EQ(at.told("tocsin.delivery.failed").size(), 1u);
  EXPECT_EQ(at.house.channel->seen().size(), 1u);  // the first delivery alone
  const auto rows = at.store.rows();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows.back().state, delivery_state::suppressed);
  EXPECT_EQ(rows.back().code, "LOOP_GUARD");
}

TEST(FailureReporter, GoesOnWithTheNextChannelWhereTheFirstIsTheOneThatFailed) {
  failing_house at;
  at.house.settings->routes_value.back() = failing_house::to_operators({"email", "backup"});
  at.fail(outcome_class::permanent, "RECIPIENT_REJECTED");
  at.start();
  at.publish("1");
  at.pass(1min);
  EXPECT_EQ(at.delivered_over("backup", "tocsin.delivery.failed"), 1u);
  EXPECT_EQ(at.house.channel->seen().size(), 2u);
}

TEST(FailureReporter, MakesNoFurtherEventOfNewsThatCouldNotBeDelivered) {
  failing_house at;
  at.fail_all(outcome_class::permanent, "RECIPIENT_REJECTED");
  at.start();
  at.publish("1");
  at.pass(48h);
  EXPECT_EQ(at.told().size(), 1u);
  EXPECT_EQ(at.store.count(delivery_state::dead), 2u);
}

TEST(FailureReporter, ComesToRestWhereEveryChannelIsDown) {
  failing_house at;
  at.house.settings->routes_value.back() = failing_house::to_operators({"email", "backup"});
  at.fail_all(outcome_class::auth, "AUTH_REJECTED");
  at.start();
  at.publish("1");
  at.pass(48h);
  EXPECT_EQ(at.told().size(), 2u);  // each is down, once
}

TEST(FailureReporter, SaysAfterACrashWhatWasSettledAndNotSaid) {
  const auto disk = std::make_shared<fake_disk>();
  {
    failing_house at(disk);
    at.fail(outcome_class::permanent, "RECIPIENT_REJECTED");
    at.start();
    at.publish("1");
    EXPECT_TRUE(at.told().empty());  // still gathering
  }
  {
    failing_house at(disk, manual_clock::start_time + 60'000);
    at.start();
    const auto told = at.told("tocsin.delivery.failed");
    ASSERT_EQ(told.size(), 1u);
    EXPECT_TRUE(data_of(told.front()).at("at_least").as_bool());
    EXPECT_EQ(data_of(told.front()).at("code").as_string(), "RECIPIENT_REJECTED");
    EXPECT_TRUE(at.memory().empty());
  }
  failing_house at(disk, manual_clock::start_time + 120'000);
  at.start();
  EXPECT_EQ(at.told().size(), 1u);
}

TEST(FailureReporter, SaysAfterACrashThatAnEndpointIsDownOnceAndThatItIsUp) {
  const auto disk = std::make_shared<fake_disk>();
  {
    failing_house at(disk);
    at.fail(outcome_class::auth, "AUTH_REJECTED");
    at.start();
    at.publish("1");
    EXPECT_EQ(at.told("tocsin.channel.down").size(), 1u);
  }
  {
    failing_house at(disk, manual_clock::start_time + 60'000);
    at.fail(outcome_class::auth, "AUTH_REJECTED");
    at.start();
    EXPECT_EQ(at.told("tocsin.channel.down").size(), 1u);
  }
  disk->pauses.clear();  // it ended, and the host was killed before it could say so
  failing_house at(disk, manual_clock::start_time + 120'000);
  at.start();
  EXPECT_EQ(at.told("tocsin.channel.up").size(), 1u);
  EXPECT_TRUE(at.memory().empty());
}

TEST(FailureReporter, SaysADownThatWasWrittenDownAndNotSaid) {
  const auto disk = std::make_shared<fake_disk>();
  disk->pauses[{"email", ""}] = {
      {"email", ""}, "AUTH_REJECTED", "no", manual_clock::start_time - 1000, manual_clock::start_time + 300'000, 0, 1};
  failing_house at(disk);
  at.start();
  EXPECT_EQ(at.told("tocsin.channel.down").size(), 1u);
}

TEST(FailureReporter, TriesAgainWhileTheDiskIsFull) {
  failing_house at;
  at.house.channel->say([](const outgoing_message& message) -> std::optional<outcome> {
    if (message.payload->source == failure_source) return fake_channel::ended(outcome_class::delivered, "OK");
    return std::nullopt;
  });
  at.start();
  at.publish("1");
  at.store.fail_accepts(2);
  ASSERT_EQ(at.house.channel->answer(fake_channel::ended(outcome_class::auth, "AUTH_REJECTED")), 1u);
  at.quiet();
  EXPECT_TRUE(at.told("tocsin.channel.down").empty());
  at.pass(1min);
  EXPECT_EQ(at.told("tocsin.channel.down").size(), 1u);
}

TEST(FailureReporter, SaysOnceInTheLogThatNobodyIsToldOfFailures) {
  failing_house at;
  at.house.settings->routes_value.pop_back();
  at.fail(outcome_class::auth, "AUTH_REJECTED");
  at.start();
  std::string lines;
  log::capture([](void* to, std::string_view line) { static_cast<std::string*>(to)->append(line).append("\n"); },
               &lines);
  at.publish("1");
  at.publish("2", "acme");
  log::capture([](void*, std::string_view) {}, nullptr);
  EXPECT_EQ(at.told("tocsin.channel.down").size(), 2u);
  const auto first = lines.find("nobody is told of the host's own failures");
  ASSERT_NE(first, std::string::npos) << lines;
  EXPECT_EQ(lines.find("nobody is told of the host's own failures", first + 1), std::string::npos);
}

TEST(FailureReporter, KeepsTheEventsPayloadToItself) {
  failing_house at;
  at.fail(outcome_class::permanent, "RECIPIENT_REJECTED");
  at.start();
  auto value = bus_house::make_event("1");
  value.data = R"({"link":"https://example.org/secret"})";
  ASSERT_TRUE(at.house.publish({value}));
  at.pass(1min);
  ASSERT_EQ(at.told().size(), 1u);
  EXPECT_EQ(at.told().front().data.find("secret"), std::string::npos);
}

TEST(FailureReporter, SaysWhichPluginDoesNotRun) {
  failing_house at;
  at.start();
  at.house.failures->plugin_failed({"chat", "1.0.0", "", "refused", "It is not owned by root.", at.clock.now()});
  at.quiet();
  EXPECT_EQ(at.delivered_over("backup", "tocsin.plugin.failed"), 1u);
}

}  // namespace
}  // namespace tocsin::test
