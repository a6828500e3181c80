// The host's own failures as events: how often they are said, what they hold, what keeps them off their own endpoint.
#include "core/delivery/failure_policy.hpp"

#include <boost/json/parse.hpp>

#include <gtest/gtest.h>

namespace tocsin {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr time_ms noon = 1'767'600'000'000;

delivery_failure failure(std::int64_t id, milliseconds after = milliseconds{0},
                         std::string code = "RECIPIENT_REJECTED") {
  delivery_failure made;
  made.id = delivery_id{id};
  made.endpoint = {"email", "acme"};
  made.organization = "acme";
  made.recipient = "a@example.org";
  made.message_id = "1@host";
  made.event_source = "/shop";
  made.event_id = "42";
  made.event_type = "shop.order";
  made.code = std::move(code);
  made.at = noon + after.count();
  return made;
}

boost::json::object data_of(const event& value) { return boost::json::parse(value.data).as_object(); }

TEST(FailureWindow, SaysAnAvalancheOnceWithItsCount) {
  failure_window window;
  int summaries = 0;
  for (int i = 0; i < 10'000; ++i) {
    summaries +=
        window.add(failure(1 + i, milliseconds{i / 5}, i % 10 == 0 ? "MESSAGE_REJECTED" : "RECIPIENT_REJECTED"));
  }
  EXPECT_EQ(summaries, 1);
  EXPECT_EQ(window.due(), noon + failure_window::gather.count());
  const auto said = window.take(window.due());
  ASSERT_TRUE(said);
  EXPECT_EQ(said->count, 10'000u);
  EXPECT_EQ(said->codes.at("MESSAGE_REJECTED"), 1'000u);
  EXPECT_EQ(said->last, noon + 1'999);
}

TEST(FailureWindow, SaysWhatComesLaterTogetherAndNotSoonerThanTheQuietTime) {
  failure_window window;
  window.add(failure(1));
  window.take(window.due());
  const auto said_at = noon + failure_window::gather.count();
  EXPECT_TRUE(window.add(failure(2, seconds{60})));
  EXPECT_FALSE(window.add(failure(3, seconds{120})));
  EXPECT_EQ(window.due(), said_at + failure_window::quiet.count());
  EXPECT_EQ(window.take(window.due())->count, 2u);
}

TEST(FailureWindow, IsIdleOnceAQuietTimePassesWithoutAFailure) {
  failure_window window;
  window.add(failure(1));
  window.take(noon);
  EXPECT_FALSE(window.is_idle(noon + 1));
  EXPECT_TRUE(window.is_idle(noon + failure_window::quiet.count()));
  EXPECT_FALSE(window.take(noon + failure_window::quiet.count()));
}

TEST(FailureWindow, WaitsNoLongerBecauseTheClockWasSetBack) {
  failure_window window;
  window.add(failure(1));
  window.take(noon);
  window.add(failure(2, -std::chrono::hours{24}));
  EXPECT_LE(window.due(), noon - milliseconds{std::chrono::hours{24}}.count() + failure_window::quiet.count());
}

TEST(FailureWindow, CountsCodesWithinABound) {
  failure_window window;
  for (int i = 0; i < 100; ++i) window.add(failure(1, milliseconds{0}, "CODE_" + std::to_string(i)));
  const auto said = window.take(noon);
  EXPECT_LE(said->codes.size(), failure_window::most_codes + 1);
  EXPECT_EQ(said->codes.at("OTHER"), 100 - failure_window::most_codes);
}

TEST(FailureEvents, SayWhichDeliveryFailedWhyAndWhatToDo) {
  code_table codes;
  failure_summary what;
  what.first = failure(7);
  what.first.code = "RENDER_FAILED";
  const auto made = make_delivery_failed(what, codes);
  EXPECT_EQ(made.type, "tocsin.delivery.failed");
  EXPECT_EQ(made.source, "/tocsin/host");
  EXPECT_EQ(made.organization, "acme");
  EXPECT_EQ(made.severity, severity::error);
  const auto data = data_of(made);
  EXPECT_EQ(data.at("channel").as_string(), "email");
  EXPECT_EQ(data.at("recipient").as_string(), "a@example.org");
  EXPECT_EQ(data.at("event_id").as_string(), "42");
  EXPECT_EQ(data.at("message_id").as_string(), "1@host");
  EXPECT_EQ(data.at("count").as_int64(), 1);
  EXPECT_EQ(data.at("explanation").as_string(), codes.find("RENDER_FAILED").explanation);
  EXPECT_EQ(data.at("remedy").as_string(), codes.find("RENDER_FAILED").remedy);
}

TEST(FailureEvents, HaveTheSameIdForTheSameFailure) {
  const code_table codes;
  failure_summary said;
  said.first = failure(7);
  failure_summary found_after_a_crash = said;
  found_after_a_crash.count = 12;
  found_after_a_crash.at_least = true;
  EXPECT_EQ(make_delivery_failed(said, codes).id, make_delivery_failed(found_after_a_crash, codes).id);
  const endpoint_pause pause{{"email", ""}, "AUTH_REJECTED", "", noon, noon, 0, 0};
  EXPECT_EQ(make_channel_down(pause, codes.find("OK")).id, make_channel_down(pause, codes.find("OK")).id);
  EXPECT_NE(make_channel_down(pause, codes.find("OK")).id, make_channel_up(pause.endpoint, noon, noon, "").id);
}

TEST(FailureEvents, AreKnownForTheirOwnEndpointAlone) {
  const endpoint_pause pause{{"email", "acme"}, "AUTH_REJECTED", "", noon, noon, 0, 0};
  const auto down = make_channel_down(pause, {});
  EXPECT_TRUE(tells_of_failure(down));
  EXPECT_TRUE(tells_of_failure_of(down, {"email", "acme"}));
  EXPECT_FALSE(tells_of_failure_of(down, {"email", ""}));
  EXPECT_FALSE(tells_of_failure_of(down, {"backup", "acme"}));
  EXPECT_FALSE(tells_of_failure_of(make_channel_up(pause.endpoint, noon, noon, ""), {"email", "acme"}));
}

TEST(FailureEvents, SayAPluginThatIsRefusedOnceAndOneThatHangsEachTime) {
  plugin_failure refused{"smtp", "1.0.0", "ab", "refused", "It is not owned by root.", noon};
  plugin_failure again = refused;
  again.at += 86'400'000;
  EXPECT_EQ(make_plugin_failed(refused).id, make_plugin_failed(again).id);
  refused.state = again.state = "hung";
  EXPECT_NE(make_plugin_failed(refused).id, make_plugin_failed(again).id);
}

}  // namespace
}  // namespace tocsin
