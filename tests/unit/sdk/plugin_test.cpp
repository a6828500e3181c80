// The C++ wrapper: what a plugin written on it does at the C interface.
#include "unit/sdk/fake_host.hpp"

#include <tocsin/sdk/channel.hpp>
#include <tocsin/sdk/doctor.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/preset.hpp>
#include <tocsin/sdk/source.hpp>
#include <tocsin/sdk/timer.hpp>
#include <tocsin/sdk/token_table.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>

namespace {

std::atomic<std::uint64_t> allocations{0};

}  // namespace

// Counts, so that a test can say that a path allocates nothing.
void* operator new(std::size_t size) {
  ++allocations;
  void* made = std::malloc(size == 0 ? 1 : size);
  if (made == nullptr) throw std::bad_alloc();
  return made;
}
void operator delete(void* what) noexcept { std::free(what); }
void operator delete(void* what, std::size_t) noexcept { std::free(what); }

namespace {

namespace sdk = tocsin::sdk;
using tocsin::test::fake_host;

class test_plugin : public sdk::plugin, public sdk::channel, public sdk::source, public sdk::timer {
 public:
  using plugin::plugin;

  void start() override {
    if (fail_start) throw std::runtime_error("the disk is missing");
  }

  sdk::opened_endpoint open(const sdk::endpoint& settings) override {
    if (settings.channel() == "bad") throw std::runtime_error("no path is set");
    if (settings.channel() == "odd") throw sdk::failure(TOCSIN_UNSUPPORTED, "not here");
    if (settings.channel() == "number") throw 42;
    if (settings.channel() == "memory") throw std::bad_alloc();
    return {endpoints.add(std::string(settings.channel())), 4};
  }
  void close(sdk::token name) override {
    if (!endpoints.erase(name) && !sources.erase(name)) throw std::runtime_error("closed twice");
  }
  void deliver(const sdk::message& one) override {
    if (one.recipient() == "throw") throw std::runtime_error("boom");
    host().complete(one.delivery(), sdk::outcome::delivered("250 ok"));
  }

  sdk::token open(const sdk::source_config& config) override {
    remembered = host().recall(sdk::token{1, 1}, "last");
    return sources.add(std::string(config.name()));
  }
  void published(sdk::token, std::uint64_t ticket, const sdk::publish_result& result) override {
    if (!result.ok()) throw std::runtime_error("ticket " + std::to_string(ticket) + " failed");
  }
  void fired(std::uint64_t id) override { last_timer = id; }

  static bool fail_start;
  static std::uint64_t last_timer;
  static std::string remembered;
  sdk::token_table<std::string> endpoints;
  sdk::token_table<std::string> sources;
};
bool test_plugin::fail_start = false;
std::uint64_t test_plugin::last_timer = 0;
std::string test_plugin::remembered;

class batch_plugin : public sdk::plugin, public sdk::channel {
 public:
  using plugin::plugin;
  sdk::opened_endpoint open(const sdk::endpoint&) override { return {sdk::token{1, 1}, 1}; }
  void close(sdk::token) override {}
  void deliver_batch(const sdk::messages&, const sdk::host_api&) override { throw std::runtime_error("half-way"); }
};

class unmakeable_plugin : public sdk::plugin {
 public:
  explicit unmakeable_plugin(const sdk::host_api& host) : plugin(host) { throw std::runtime_error("not today"); }
};

// A plugin behind its C table, as a host has it.
class plugin_handle {
 public:
  plugin_handle(const tocsin_entry& entry, const fake_host& host) {
    tocsin::sdk::string_sink error;
    status = entry.create(host.raw(), &raw, error.get());
    reason = error.text();
  }
  ~plugin_handle() {
    if (raw != nullptr) raw->destroy(raw->self);
  }
  template <class Table>
  const Table* table(const char* id) const {
    return static_cast<const Table*>(raw->get_extension(raw->self, sdk::to_abi(id)));
  }

  const tocsin_plugin* raw = nullptr;
  tocsin_status status = TOCSIN_FAILED;
  std::string reason;
};

template <class Plugin>
constexpr tocsin_entry entry_of = sdk::make_entry<Plugin>("test", "1.2.3");

tocsin_message message_to(std::string_view recipient, std::uint64_t delivery) {
  tocsin_message made{};
  made.struct_size = sizeof(made);
  made.attempt = 1;
  made.delivery = tocsin_token{delivery, 1};
  made.recipient = sdk::to_abi(recipient);
  return made;
}

tocsin_status open_endpoint(const plugin_handle& plugin, std::string_view channel, tocsin_endpoint_info& info,
                            std::string& reason) {
  tocsin_endpoint settings{};
  settings.struct_size = sizeof(settings);
  settings.channel = sdk::to_abi(channel);
  info.struct_size = sizeof(info);
  sdk::string_sink error;
  const auto* table = plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL);
  const tocsin_status status = table->open(plugin.raw->self, &settings, &info, error.get());
  reason = error.text();
  return status;
}

TEST(Plugin, IntroducesItselfWithItsIdVersionAndAbi) {
  EXPECT_EQ(entry_of<test_plugin>.struct_size, sizeof(tocsin_entry));
  EXPECT_EQ(entry_of<test_plugin>.abi_version, TOCSIN_ABI_VERSION);
  EXPECT_EQ(sdk::view(entry_of<test_plugin>.id), "test");
  EXPECT_EQ(sdk::view(entry_of<test_plugin>.version), "1.2.3");
}

TEST(Plugin, OffersTheExtensionsWhoseClassesItHasAndNoOthers) {
  fake_host host;
  plugin_handle plugin(entry_of<test_plugin>, host);
  ASSERT_EQ(plugin.status, TOCSIN_OK);
  EXPECT_NE(plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL), nullptr);
  EXPECT_NE(plugin.table<tocsin_source>(TOCSIN_EXT_SOURCE), nullptr);
  EXPECT_NE(plugin.table<tocsin_timer>(TOCSIN_EXT_TIMER), nullptr);
  EXPECT_EQ(plugin.table<void>(TOCSIN_EXT_DOCTOR), nullptr);
  EXPECT_EQ(plugin.table<void>(TOCSIN_EXT_PRESET), nullptr);
  EXPECT_EQ(plugin.table<void>("tocsin.channel/2"), nullptr);
}

TEST(Plugin, FailsCreationWithTheReasonOfItsConstructor) {
  fake_host host;
  plugin_handle plugin(entry_of<unmakeable_plugin>, host);
  EXPECT_EQ(plugin.status, TOCSIN_FAILED);
  EXPECT_EQ(plugin.reason, "not today");
  EXPECT_EQ(plugin.raw, nullptr);
}

TEST(Plugin, RefusesAHostThatIsTooSmallToBeOne) {
  tocsin_host stunted{};
  stunted.struct_size = 8;
  const tocsin_plugin* made = nullptr;
  EXPECT_EQ(entry_of<test_plugin>.create(&stunted, &made, nullptr), TOCSIN_INVALID);
  EXPECT_EQ(entry_of<test_plugin>.create(nullptr, &made, nullptr), TOCSIN_INVALID);
  EXPECT_EQ(made, nullptr);
}

TEST(Plugin, FailsStartWithTheReasonAndCanStartAgain) {
  fake_host host;
  plugin_handle plugin(entry_of<test_plugin>, host);
  sdk::string_sink error;
  test_plugin::fail_start = true;
  EXPECT_EQ(plugin.raw->start(plugin.raw->self, error.get()), TOCSIN_FAILED);
  EXPECT_EQ(error.text(), "the disk is missing");
  test_plugin::fail_start = false;
  EXPECT_EQ(plugin.raw->start(plugin.raw->self, error.get()), TOCSIN_OK);
  plugin.raw->stop(plugin.raw->self);
}

TEST(ExceptionBarrier, TurnsEachKindOfExceptionIntoAStatusAndAReason) {
  fake_host host;
  plugin_handle plugin(entry_of<test_plugin>, host);
  tocsin_endpoint_info info{};
  std::string reason;
  EXPECT_EQ(open_endpoint(plugin, "bad", info, reason), TOCSIN_FAILED);
  EXPECT_EQ(reason, "no path is set");
  EXPECT_EQ(open_endpoint(plugin, "odd", info, reason), TOCSIN_UNSUPPORTED);
  EXPECT_EQ(reason, "not here");
  EXPECT_EQ(open_endpoint(plugin, "number", info, reason), TOCSIN_FAILED);
  EXPECT_EQ(reason, "an exception that is no std::exception");
  EXPECT_EQ(open_endpoint(plugin, "memory", info, reason), TOCSIN_NO_MEMORY);
  EXPECT_EQ(open_endpoint(plugin, "good", info, reason), TOCSIN_OK);
  EXPECT_EQ(info.slots, 4u);
  EXPECT_TRUE(sdk::valid(info.token));
}

TEST(ExceptionBarrier, WritesALogLineForACallThatAnswersNothing) {
  fake_host host;
  plugin_handle plugin(entry_of<test_plugin>, host);
  plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL)->close(plugin.raw->self, tocsin_token{99, 1});
  ASSERT_EQ(host.log.size(), 1u);
  EXPECT_EQ(host.log[0], "the plugin ended a call with an exception call=channel.close exception=closed twice");
}

TEST(ExceptionBarrier, HoldsWithoutALogToo) {
  fake_host host({TOCSIN_HOST_LOG});
  plugin_handle plugin(entry_of<test_plugin>, host);
  plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL)->close(plugin.raw->self, tocsin_token{99, 1});
  EXPECT_TRUE(host.log.empty());
}

TEST(Channel, CompletesTheMessageWhoseDeliveryThrewAndGoesOnWithTheNext) {
  fake_host host;
  plugin_handle plugin(entry_of<test_plugin>, host);
  const tocsin_message messages[] = {message_to("a", 1), message_to("throw", 2), message_to("b", 3)};
  const tocsin_message* batch[] = {&messages[0], &messages[1], &messages[2]};
  plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL)->deliver(plugin.raw->self, batch, 3);
  ASSERT_EQ(host.outcomes.size(), 3u);
  EXPECT_EQ(host.outcomes[0].result, TOCSIN_CLASS_DELIVERED);
  EXPECT_EQ(host.outcomes[1].delivery.index, 2u);
  EXPECT_EQ(host.outcomes[1].result, TOCSIN_CLASS_TRANSIENT);
  EXPECT_EQ(host.outcomes[1].code, "PLUGIN_CRASHED");
  EXPECT_EQ(host.outcomes[1].detail, "boom");
  EXPECT_EQ(host.outcomes[2].result, TOCSIN_CLASS_DELIVERED);
}

TEST(Channel, CompletesAWholeBatchAsUncertainWhenItsBatchCallThrew) {
  fake_host host;
  plugin_handle plugin(entry_of<batch_plugin>, host);
  const tocsin_message messages[] = {message_to("a", 1), message_to("b", 2)};
  const tocsin_message* batch[] = {&messages[0], &messages[1]};
  plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL)->deliver(plugin.raw->self, batch, 2);
  ASSERT_EQ(host.outcomes.size(), 2u);
  EXPECT_EQ(host.outcomes[0].result, TOCSIN_CLASS_UNCERTAIN);
  EXPECT_EQ(host.outcomes[1].result, TOCSIN_CLASS_UNCERTAIN);
}

TEST(Channel, AllocatesNothingBetweenDeliverAndComplete) {
  fake_host host;
  host.keep_outcomes = false;
  plugin_handle plugin(entry_of<test_plugin>, host);
  const auto* table = plugin.table<tocsin_channel>(TOCSIN_EXT_CHANNEL);
  const tocsin_message message = message_to("a", 1);
  const tocsin_message* batch[] = {&message, &message, &message, &message};
  const std::uint64_t before = allocations;
  table->deliver(plugin.raw->self, batch, 4);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(host.completed, 4u);
}

TEST(Source, OpensRecallsPublishesAndLogsAFailedAnswer) {
  fake_host host;
  host.memory["last"] = "42";
  plugin_handle plugin(entry_of<test_plugin>, host);
  const auto* table = plugin.table<tocsin_source>(TOCSIN_EXT_SOURCE);
  tocsin_source_config config{};
  config.struct_size = sizeof(config);
  config.name = sdk::to_abi("license");
  tocsin_token source{};
  ASSERT_EQ(table->open(plugin.raw->self, &config, &source, nullptr), TOCSIN_OK);
  EXPECT_EQ(test_plugin::remembered, "42");
  tocsin_publish_result result{};
  result.struct_size = sizeof(result);
  result.status = TOCSIN_UNAVAILABLE;
  table->published(plugin.raw->self, source, 7, &result);
  ASSERT_EQ(host.log.size(), 1u);
  EXPECT_NE(host.log[0].find("ticket 7 failed"), std::string::npos);
}

TEST(HostApi, HandsInEventAndMemoryTogether) {
  fake_host host;
  const sdk::host_api api(host.raw());
  sdk::event event;
  event.id = "1";
  event.source = "/test";
  event.type = "test.happened";
  api.publish(sdk::token{3, 1}, 9, event, {sdk::field("last", "1")});
  ASSERT_EQ(host.publications.size(), 1u);
  EXPECT_EQ(host.publications[0].ticket, 9u);
  EXPECT_EQ(host.publications[0].ids, std::vector<std::string>{"1"});
  EXPECT_EQ(host.memory["last"], "1");
  event.id = "";
  try {
    api.publish(sdk::token{3, 1}, 10, event);
    FAIL() << "an event without an id was taken";
  } catch (const sdk::failure& thrown) {
    EXPECT_EQ(thrown.status(), TOCSIN_INVALID);
    EXPECT_STREQ(thrown.what(), "event 0 has no id");
  }
}

TEST(HostApi, RevealsASecretOrSaysWhyNot) {
  fake_host host;
  host.secrets[5] = "swordfish";
  const sdk::host_api api(host.raw());
  EXPECT_EQ(api.reveal(5), "swordfish");
  EXPECT_THROW(api.reveal(6), sdk::failure);
}

TEST(HostApi, DoesWithoutExtensionsThatTheHostLacks) {
  fake_host host({TOCSIN_HOST_LOG, TOCSIN_HOST_CLOCK, TOCSIN_HOST_TIMER, TOCSIN_HOST_SECRETS, TOCSIN_HOST_COMPLETE,
                  TOCSIN_HOST_PUBLISH});
  const sdk::host_api api(host.raw());
  api.log(sdk::log_level::warn, "nobody hears this");
  api.complete(sdk::token{1, 1}, sdk::outcome::delivered());
  api.cancel_timer(1);
  EXPECT_FALSE(api.start_timer(1, std::chrono::seconds(1)));
  EXPECT_GT(api.now_ms(), 0);
  EXPECT_GT(api.monotonic().count(), 0);
  EXPECT_FALSE(api.find_service<tocsin_channel>("x/1"));
  EXPECT_THROW(api.reveal(1), sdk::failure);
  EXPECT_THROW(api.recall(sdk::token{1, 1}, "x"), sdk::failure);
  EXPECT_EQ(api.try_publish(sdk::token{1, 1}, 1, nullptr, 0, nullptr, 0, nullptr), TOCSIN_UNSUPPORTED);
}

TEST(HostApi, TakesTimeAndTimersFromTheHost) {
  fake_host host;
  host.now_ms = 1234;
  const sdk::host_api api(host.raw());
  EXPECT_EQ(api.now_ms(), 1234);
  EXPECT_TRUE(api.start_timer(8, std::chrono::seconds(2)));
  EXPECT_EQ(host.timers.at(8), 2000u);
  api.cancel_timer(8);
  EXPECT_TRUE(host.timers.empty());
}

TEST(Timer, IsCalledWithItsNumber) {
  fake_host host;
  plugin_handle plugin(entry_of<test_plugin>, host);
  plugin.table<tocsin_timer>(TOCSIN_EXT_TIMER)->fired(plugin.raw->self, 77);
  EXPECT_EQ(test_plugin::last_timer, 77u);
}

TEST(TokenTable, ForgetsATokenForGoodWhenItsPlaceIsUsedAgain) {
  sdk::token_table<std::string> table;
  EXPECT_EQ(table.find(sdk::token{0, 0}), nullptr);
  const sdk::token first = table.add("first");
  EXPECT_TRUE(table.erase(first));
  const sdk::token second = table.add("second");
  EXPECT_EQ(second.index, first.index);
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_FALSE(table.erase(first));
  ASSERT_NE(table.find(second), nullptr);
  EXPECT_EQ(*table.find(second), "second");
}

TEST(StringSink, JoinsWhatItIsGivenAndStopsAtASinkThatIsFull) {
  sdk::string_sink sink;
  EXPECT_TRUE(sdk::write(sink.get(), "one "));
  EXPECT_TRUE(sdk::write(sink.get(), "two"));
  EXPECT_EQ(sink.text(), "one two");
  const tocsin_sink full{sizeof(tocsin_sink), 0, nullptr,
                         [](void*, tocsin_bytes) -> tocsin_status { return TOCSIN_NO_MEMORY; }};
  EXPECT_FALSE(sdk::write(&full, "x"));
  EXPECT_FALSE(sdk::write(nullptr, "x"));
}

}  // namespace
