// Deliveries through a channel plugin, and outcomes that come back exactly once.
#include "core/observe/log.hpp"
#include "core/plugin_host/calls/channel_adapter.hpp"
#include "support.hpp"

#include <tocsin/abi/ext/secrets.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin {
namespace {

using test::fake_house;
using test::fake_plugin;
using test::message_to;
using test::outcome_for;
using test::running_plugin;
using testing::HasSubstr;

endpoint_settings settings_of(std::string channel = "email") {
  endpoint_settings settings;
  settings.key = {std::move(channel), "acme"};
  settings.organization = "acme";
  settings.plugin = "fake";
  settings.settings = {{"host", "mail.example.org"}};
  settings.server_fingerprint = 77;
  return settings;
}

TEST(ChannelAdapter, HandsAnEndpointsSettingsToThePlugin) {
  fake_house house;
  fake_plugin plugin;
  plugin.open = [](const tocsin_endpoint& endpoint, tocsin_endpoint_info& info, const tocsin_sink*) {
    EXPECT_EQ(std::string(endpoint.channel.data, endpoint.channel.size), "email");
    EXPECT_EQ(std::string(endpoint.organization.data, endpoint.organization.size), "acme");
    EXPECT_EQ(std::string(endpoint.settings.data, endpoint.settings.size), R"({"host":"mail.example.org"})");
    EXPECT_EQ(std::string(endpoint.pool.data, endpoint.pool.size), "77");
    EXPECT_EQ(endpoint.preset.size, 0u);
    info.token = {3, 4};
    info.slots = 6;
    return TOCSIN_OK;
  };
  running_plugin running(house, plugin);
  channel_adapter channel(*running);
  const auto opened = channel.open(settings_of());
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_EQ(opened->token, (endpoint_token{3, 4}));
  EXPECT_EQ(opened->slots, 6u);
  EXPECT_TRUE(channel.wants("html"));
  EXPECT_FALSE(channel.wants("text"));
}

TEST(ChannelAdapter, GivesTheReasonOfSettingsThatThePluginRefuses) {
  fake_house house;
  fake_plugin plugin;
  plugin.open = [](const tocsin_endpoint&, tocsin_endpoint_info&, const tocsin_sink* error) {
    const std::string why = "host is\nempty";
    error->write(error->context, {reinterpret_cast<const std::uint8_t*>(why.data()), why.size()});
    return TOCSIN_FAILED;
  };
  running_plugin running(house, plugin);
  const auto opened = channel_adapter(*running).open(settings_of());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "SETTINGS_INVALID");
  EXPECT_EQ(opened.error().what, "host is empty.");
  EXPECT_EQ(opened.error().place.key, "channels.email");
}

TEST(ChannelAdapter, GivesAnEndpointWithoutSlotsOne) {
  const test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  plugin.open = [](const tocsin_endpoint&, tocsin_endpoint_info& info, const tocsin_sink*) {
    info.token = {1, 1};
    info.slots = 0;
    return TOCSIN_OK;
  };
  running_plugin running(house, plugin);
  EXPECT_EQ(channel_adapter(*running).open(settings_of())->slots, 1u);
  EXPECT_EQ(log.count("plugin is misbehaving"), 1u);
}

TEST(ChannelAdapter, HandsOverAMessageWithItsEvent) {
  fake_house house;
  fake_plugin plugin;
  std::size_t seen = 0;
  plugin.deliver = [&](std::span<const tocsin_message* const> messages) {
    seen += messages.size();
    const tocsin_message& message = *messages[0];
    EXPECT_EQ(message.struct_size, sizeof(tocsin_message));
    EXPECT_EQ(message.delivery.index, 41u);
    EXPECT_EQ(message.delivery.generation, 3u);
    EXPECT_EQ(message.attempt, 3u);
    EXPECT_EQ(message.endpoint.index, 5u);
    EXPECT_EQ(std::string(message.recipient.data, message.recipient.size), "ops@example.org");
    ASSERT_NE(message.event, nullptr);
    EXPECT_EQ(std::string(message.event->severity.data, message.event->severity.size), "fatal");
    EXPECT_EQ(message.event->time_ms, TOCSIN_NO_TIME);
    EXPECT_EQ(message.event->expires_ms, 5000);
    ASSERT_EQ(message.event->attribute_count, 1u);
    EXPECT_EQ(std::string(message.event->attributes[0].value.data, message.event->attributes[0].value.size), "blue");
    EXPECT_EQ(messages[1]->event, nullptr);
  };
  running_plugin running(house, plugin);
  channel_adapter channel(*running);
  auto payload = std::make_shared<event>();
  payload->severity = severity::fatal;
  payload->expires = 5000;
  payload->attributes["colour"] = "blue";
  std::vector messages{message_to("ops@example.org", 41, 3), message_to("b", 42)};
  messages[0].payload = payload;
  channel.deliver(messages);
  EXPECT_EQ(seen, 2u);
}

TEST(ChannelAdapter, KeepsTheDeliveriesOfOneEndpointInOneCallAtATime) {
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  channel_adapter channel(*running);
  std::vector<std::uint64_t> order;
  bool inside = false;
  plugin.deliver = [&](std::span<const tocsin_message* const> messages) {
    EXPECT_FALSE(inside);
    inside = true;
    for (const tocsin_message* message : messages) order.push_back(message->delivery.index);
    // A completion may lead to the next deliver() from within this one.
    if (order.size() == 1) channel.deliver(std::vector{message_to("b", 2)});
    inside = false;
  };
  channel.deliver(std::vector{message_to("a", 1)});
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 2}));
}

TEST(Complete, HandsAnOutcomeOnWithAllItsWords) {
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  channel_adapter(*running).deliver(std::vector{message_to("a", 7, 2)});
  auto made = outcome_for({7, 2}, TOCSIN_CLASS_THROTTLED, "COMMAND_TIMEOUT");
  made.retry_after_ms = 60'000;
  made.detail = test::text("too\tfast\n");
  made.server_reply = test::text("450 4.7.1 wait\xff");
  made.transcript = test::text("C: EHLO\nS: 250");
  plugin.complete({made});
  const auto came = house.outcomes.wait(1);
  ASSERT_EQ(came.size(), 1u);
  EXPECT_EQ(came[0].delivery, delivery_id{7});
  EXPECT_EQ(came[0].attempt, 2u);
  EXPECT_EQ(came[0].outcome_class, outcome_class::throttled);
  EXPECT_EQ(came[0].code, "COMMAND_TIMEOUT");
  EXPECT_EQ(came[0].retry_after, std::chrono::milliseconds(60'000));
  EXPECT_EQ(came[0].detail, "too fast");
  EXPECT_EQ(came[0].server_reply, "450 4.7.1 wait\xEF\xBF\xBD");
  EXPECT_EQ(came[0].transcript, "C: EHLO\nS: 250");
}

TEST(Complete, TakesEachDeliveryExactlyOnce) {
  const test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  channel_adapter(*running).deliver(std::vector{message_to("a", 1, 1)});
  plugin.complete({outcome_for({1, 1}, TOCSIN_CLASS_DELIVERED, "OK"), outcome_for({1, 1}, TOCSIN_CLASS_DELIVERED, "OK"),
                   outcome_for({1, 2}, TOCSIN_CLASS_DELIVERED, "OK"), outcome_for({9, 1}, TOCSIN_CLASS_DELIVERED, "OK"),
                   outcome_for({0, 0}, TOCSIN_CLASS_DELIVERED, "OK")});
  EXPECT_EQ(house.outcomes.size(), 1u);
  EXPECT_EQ(log.count("it completed a delivery that is not, or no longer, its own"), 4u);
}

TEST(Complete, TakesAnUnknownClassForTransientAndReportsAnUnknownCode) {
  const test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  channel_adapter(*running).deliver(std::vector{message_to("a", 1)});
  plugin.complete({outcome_for({1, 1}, 99, "NEVER_DECLARED")});
  const auto came = house.outcomes.wait(1);
  ASSERT_EQ(came.size(), 1u);
  EXPECT_EQ(came[0].outcome_class, outcome_class::transient);
  EXPECT_EQ(came[0].code, "NEVER_DECLARED");
  EXPECT_EQ(came[0].retry_after, std::nullopt);
  EXPECT_EQ(log.count("it reported a code that no manifest explains"), 1u);
}

TEST(Complete, SaysOnceForACodeThatItsClassIsNotTheManifestsAndKeepsTheReportedOne) {
  const test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  plugin.codes = {{"COMMAND_TIMEOUT", "", outcome_class::transient, "It was too slow.", "Wait."},
                  {"RECIPIENT_INVALID", "", outcome_class::permanent, "There is no such address.", "Correct it."}};
  running_plugin running(house, plugin);
  channel_adapter channel(*running);
  const auto complete = [&](std::uint64_t delivery, std::uint32_t reported, std::string_view code) {
    channel.deliver(std::vector{message_to("a", static_cast<std::int64_t>(delivery))});
    plugin.complete({outcome_for({delivery, 1}, reported, code)});
  };
  complete(1, TOCSIN_CLASS_CONFIG, "RECIPIENT_INVALID");
  complete(2, TOCSIN_CLASS_CONFIG, "RECIPIENT_INVALID");
  complete(3, TOCSIN_CLASS_TRANSIENT, "COMMAND_TIMEOUT");
  complete(4, TOCSIN_CLASS_UNCERTAIN, "COMMAND_TIMEOUT");
  const auto came = house.outcomes.wait(4);
  ASSERT_EQ(came.size(), 4u);
  EXPECT_EQ(came[0].outcome_class, outcome_class::config);
  const auto said = log.lines("another class than the plugin's manifest gives its code");
  ASSERT_EQ(said.size(), 1u);
  for (const char* part : {"plugin=fake", "code=RECIPIENT_INVALID", "manifest=permanent", "reported=config"})
    EXPECT_NE(said[0].find(part), std::string::npos) << said[0];
  complete(5, TOCSIN_CLASS_AUTH, "COMMAND_TIMEOUT");
  EXPECT_EQ(log.count("another class than the plugin's manifest gives its code"), 2u);
}

TEST(Complete, ReadsTheOutcomeOfAnOlderPluginAsFarAsItGoes) {
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  channel_adapter(*running).deliver(std::vector{message_to("a", 1)});
  auto older = outcome_for({1, 1}, TOCSIN_CLASS_DELIVERED, "OK");
  older.struct_size = offsetof(tocsin_outcome, retry_after_ms);
  older.retry_after_ms = 1234;
  older.detail = {reinterpret_cast<const char*>(std::uintptr_t{8}), 99};  // not the plugin's: must not be read
  plugin.complete({older});
  const auto came = house.outcomes.wait(1);
  ASSERT_EQ(came.size(), 1u);
  EXPECT_EQ(came[0].retry_after, std::nullopt);
  EXPECT_EQ(came[0].detail, "");
}

TEST(Complete, BlotsOutASecretThatWasRevealed) {
  fake_house house;
  house.secrets[4] = "hunter2-hunter2";
  fake_plugin plugin;
  running_plugin running(house, plugin);
  std::string revealed;
  const tocsin_sink value{sizeof(value), 0, &revealed, [](void* context, tocsin_bytes data) -> tocsin_status {
                            static_cast<std::string*>(context)->append(reinterpret_cast<const char*>(data.data),
                                                                       data.size);
                            return TOCSIN_OK;
                          }};
  const auto& secrets = plugin.of_host<tocsin_host_secrets>(TOCSIN_HOST_SECRETS);
  EXPECT_EQ(secrets.reveal(plugin.host->context, 4, &value, nullptr), TOCSIN_OK);
  EXPECT_EQ(revealed, "hunter2-hunter2");
  EXPECT_EQ(secrets.reveal(plugin.host->context, 5, &value, nullptr), TOCSIN_FAILED);
  channel_adapter(*running).deliver(std::vector{message_to("a", 1)});
  auto made = outcome_for({1, 1}, TOCSIN_CLASS_AUTH, "SETTINGS_INVALID");
  made.server_reply = test::text("535 no hunter2-hunter2 here");
  plugin.complete({made});
  EXPECT_EQ(house.outcomes.wait(1).at(0).server_reply, "535 no *** here");
}

TEST(Stop, ReportsDeliveriesThatThePluginNeverCompletedAsUncertain) {
  const test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  auto known = message_to("a", 1);
  event what;
  what.id = "license-7";
  known.payload = std::make_shared<const event>(what);
  channel_adapter(*running).deliver(std::vector{known, message_to("b", 2)});
  plugin.stop = [&] { plugin.complete({outcome_for({2, 1}, TOCSIN_CLASS_RETURNED, "")}); };
  ASSERT_TRUE(running.stop());
  const auto came = house.outcomes.wait(2);
  ASSERT_EQ(came.size(), 2u);
  EXPECT_EQ(came[0].delivery, delivery_id{2});
  EXPECT_EQ(came[0].outcome_class, outcome_class::returned);
  EXPECT_EQ(came[1].delivery, delivery_id{1});
  EXPECT_EQ(came[1].outcome_class, outcome_class::uncertain);
  EXPECT_EQ(came[1].code, "PLUGIN_HUNG");
  const auto said = log.lines("it stopped without completing deliveries");
  ASSERT_EQ(said.size(), 1u);
  for (const char* part : {"plugin=", "version=", "build=", "call=stop", "attempt 1, event license-7"})
    EXPECT_THAT(said[0], HasSubstr(part));
}

TEST(Stop, TurnsAwayAPluginThatGoesOnAfterIt) {
  const test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  channel_adapter channel(*running);
  ASSERT_TRUE(running.stop());
  plugin.complete({outcome_for({1, 1}, TOCSIN_CLASS_DELIVERED, "OK")});
  plugin.of_host<tocsin_host_timer>(TOCSIN_HOST_TIMER).start(plugin.host->context, 1, 0);
  EXPECT_EQ(house.outcomes.size(), 0u);
  EXPECT_EQ(house.clock.timers(), 0u);
  EXPECT_EQ(log.count("it called the host while it was not running"), 2u);
  EXPECT_FALSE(channel.open(settings_of()));
}

TEST(Close, ReportsDeliveriesOfTheEndpointThatWereNotCompleted) {
  const test::captured_log log;
  fake_house house;
  fake_plugin plugin;
  running_plugin running(house, plugin);
  channel_adapter channel(*running);
  channel.deliver(std::vector{message_to("a", 1), message_to("b", 2)});
  auto other = message_to("c", 3);
  other.endpoint = {6, 1};
  channel.deliver(std::vector{other});
  plugin.close = [&](tocsin_token) { plugin.complete({outcome_for({1, 1}, TOCSIN_CLASS_RETURNED, "")}); };
  channel.close({5, 1});
  const auto came = house.outcomes.wait(2);
  ASSERT_EQ(came.size(), 2u);
  EXPECT_EQ(came[1].delivery, delivery_id{2});
  EXPECT_EQ(came[1].outcome_class, outcome_class::uncertain);
  const auto said = log.lines("it closed an endpoint without completing deliveries");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_THAT(said[0], HasSubstr("call=channel.close"));
  plugin.complete({outcome_for({3, 1}, TOCSIN_CLASS_DELIVERED, "OK")});
  EXPECT_EQ(house.outcomes.size(), 3u);
}

TEST(Cancel, NamesTheDeliveriesToThePlugin) {
  fake_house house;
  fake_plugin plugin;
  std::vector<std::uint64_t> cancelled;
  plugin.cancel = [&](std::span<const tocsin_token> tokens) {
    for (const tocsin_token& token : tokens) cancelled.push_back(token.index);
  };
  running_plugin running(house, plugin);
  channel_adapter(*running).cancel(std::vector{message_to("a", 4), message_to("b", 5)});
  EXPECT_EQ(cancelled, (std::vector<std::uint64_t>{4, 5}));
}

}  // namespace
}  // namespace tocsin
