// A checked host reports each breach of the binary interface's law by plugin and call; another host does not look.
#include "core/observe/metrics.hpp"
#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/subscriber_call.hpp"

#include "sdk_plugin.hpp"

#include <tocsin/sdk/metrics.hpp>
#include <tocsin/sdk/source.hpp>
#include <tocsin/sdk/subscriber.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <thread>

namespace tocsin {
namespace {

class rule_breaker : public sdk::plugin, public sdk::source, public sdk::subscriber {
 public:
  using plugin::plugin;
  ~rule_breaker() override {
    if (in_destroy) in_destroy(host());
  }
  void stop() override {
    if (in_stop) in_stop(host());
  }
  sdk::token open(const sdk::source_config&) override { return {1, 1}; }
  sdk::token open(const sdk::subscription_config&) override { return {2, 1}; }
  void close(sdk::token) override {}
  void received(sdk::token, const sdk::events&, std::uint64_t) override {
    if (in_call) in_call(host());
  }
  std::function<void(const sdk::host_api&)> in_stop, in_call, in_destroy;
};

struct checked_house {
  explicit checked_house(bool checked = true, metric_registry* metrics = nullptr)
      : plugin(services(house, checked, metrics), {TOCSIN_EXT_SOURCE, TOCSIN_EXT_SUBSCRIBER}) {}

  static plugin_host_services services(test::fake_house& house, bool checked, metric_registry* metrics) {
    plugin_host_services services = house.services();
    services.checked = checked;
    services.metrics = metrics;
    return services;
  }
  // Within a [worker] call.
  void call(std::function<void(const sdk::host_api&)> what) {
    plugin.object().in_call = std::move(what);
    feed_events(plugin.instance(), {2, 1}, {}, 0);
  }
  const sdk::host_api& api() { return plugin.object().host(); }

  test::captured_log log;
  test::fake_house house;
  test::running_sdk_plugin<rule_breaker> plugin;
};

sdk::event make_event() {
  sdk::event made;
  made.id = "1";
  made.source = "/test";
  made.type = "tocsin.test";
  return made;
}

TEST(CheckedCalls, AServiceThatIsLookedForOutsideOfStartIsReported) {
  checked_house at;
  at.call([](const sdk::host_api& host) { host.find_service<void*>("example.light/1"); });
  EXPECT_EQ(at.log.count("it made a call that may be made in start() only"), 1u);
  EXPECT_EQ(at.log.count("services.find, from subscriber.events"), 1u);
}

TEST(CheckedCalls, AMemoryThatIsReadOnAThreadOfThePluginsOwnIsReported) {
  checked_house at;
  EXPECT_THROW(at.api().recall({9, 9}, "x"), sdk::failure);
  EXPECT_EQ(at.log.count("it made a call on a wrong thread"), 1u);
  EXPECT_EQ(at.log.count("recall, from a thread that is not the host's"), 1u);
}

TEST(CheckedCalls, AnEventThatIsPublishedInStopIsReported) {
  checked_house at;
  at.plugin.object().in_stop = [](const sdk::host_api& host) { host.publish(make_event()); };
  ASSERT_TRUE(at.plugin.stop());
  EXPECT_EQ(at.log.count("it made a call that it may not make any more"), 1u);
  EXPECT_EQ(at.log.count("publish, from stop"), 1u);
}

TEST(CheckedCalls, AMetricThatIsMadeInStopOrDestroyIsReported) {
  metric_registry all;
  const auto make = [](const sdk::host_api& host) {
    const sdk::counter made(host, "tries_total", "Tries.");
    made.add();
  };
  checked_house at(true, &all);
  at.call(make);
  EXPECT_EQ(at.log.count("plugin is misbehaving"), 0u);
  at.plugin.object().in_stop = make;
  at.plugin.object().in_destroy = make;
  ASSERT_TRUE(at.plugin.stop());
  EXPECT_EQ(at.log.count("it made a call that it may not make any more"), 3u);
  EXPECT_EQ(at.log.count("metrics.series, from stop"), 1u);
  EXPECT_EQ(at.log.count("metrics.series, from destroy"), 1u);
  EXPECT_EQ(at.log.count("metrics.record, from destroy"), 1u);  // in stop() it still may
}

TEST(CheckedCalls, TextThatIsNotUtf8OrHasANulOrNoDataIsReported) {
  checked_house at;
  at.api().log(sdk::log_level::warn, "bad \xff text");
  at.api().log(sdk::log_level::warn, std::string_view("a\0b", 3));
  const auto* log = at.api().table<tocsin_host_log>(TOCSIN_HOST_LOG);
  log->write(at.api().context(), TOCSIN_LOG_WARN, tocsin_string{nullptr, 5}, nullptr, 0);
  log->write(at.api().context(), TOCSIN_LOG_WARN, sdk::to_abi("fine"), nullptr, 2);
  EXPECT_EQ(at.log.count("it passed text that is not UTF-8 without NUL"), 2u);
  EXPECT_EQ(at.log.count("it passed a size without data"), 1u);
  EXPECT_EQ(at.log.count("it passed a count without a list"), 1u);
}

TEST(CheckedCalls, AStructThatIsTooShortIsReported) {
  checked_house at;
  tocsin_event raw = sdk::to_abi(make_event());
  raw.struct_size = offsetof(tocsin_event, type);
  const tocsin_event* list = &raw;
  static_cast<void>(at.api().try_publish({}, 1, &list, 1, nullptr, 0, nullptr));
  EXPECT_EQ(at.log.count("it passed a struct whose struct_size is too small"), 1u);
}

TEST(CheckedCalls, AStructOfAnOlderReleaseIsNoBreach) {
  checked_house at;
  tocsin_event raw = sdk::to_abi(make_event());
  raw.struct_size = offsetof(tocsin_event, subject);
  const tocsin_event* list = &raw;
  static_cast<void>(at.api().try_publish({}, 1, &list, 1, nullptr, 0, nullptr));
  EXPECT_EQ(at.log.count("misbehaving"), 0u);
}

TEST(CheckedCalls, MoreEventsThanCreditsAreReported) {
  checked_house at;
  for (int number = 0; number < 16; ++number) at.api().publish(make_event());
  EXPECT_THROW(at.api().publish(make_event()), sdk::failure);
  EXPECT_EQ(at.log.count("it published more events than it has credits"), 1u);
}

TEST(CheckedCalls, ASinkThatIsUsedAfterItsCallIsReportedAndRefused) {
  checked_house at;
  const tocsin_sink* kept = nullptr;
  {
    const abi::gathering_sink lent(at.plugin.instance().late_sink("channel.open"));
    kept = lent.raw();
    EXPECT_TRUE(sdk::write(kept, "in time"));
  }
  EXPECT_FALSE(sdk::write(kept, "too late"));
  EXPECT_EQ(at.log.count("it used a sink after the call that lent it"), 1u);
}

TEST(CheckedCalls, AHostThatIsNotCheckedLooksAtNothing) {
  checked_house at(false);
  at.call([](const sdk::host_api& host) { host.find_service<void*>("example.light/1"); });
  at.api().log(sdk::log_level::warn, "bad \xff text");
  EXPECT_EQ(at.log.count("may be made in start() only"), 0u);
  EXPECT_EQ(at.log.count("it passed text"), 0u);
}

}  // namespace
}  // namespace tocsin
