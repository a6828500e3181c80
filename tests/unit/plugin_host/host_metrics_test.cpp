// tocsin.host.metrics/1 through the C++ classes.
#include "sdk_plugin.hpp"

#include "core/observe/metrics.hpp"

#include <tocsin/sdk/metrics.hpp>

#include <gtest/gtest.h>

namespace tocsin {
namespace {

class counting_plugin : public sdk::plugin {
 public:
  explicit counting_plugin(const sdk::host_api& host) : plugin(host), made(host, "made_total", "What was made.") {}
  sdk::counter made;
};

struct metered_house {
  metered_house() : plugin(services(house, all), {}) {}
  static plugin_host_services services(test::fake_house& house, metric_registry& all) {
    plugin_host_services services = house.services();
    services.metrics = &all;
    return services;
  }
  bool serves(const std::string& line) const { return all.text().find(line + "\n") != std::string::npos; }
  const sdk::host_api& host() { return plugin.object().host(); }

  test::captured_log log;
  metric_registry all;
  test::fake_house house;
  test::running_sdk_plugin<counting_plugin> plugin;
};

TEST(HostMetrics, AreServedUnderThePluginsNameAndMadeAsEarlyAsInItsConstructor) {
  metered_house at;
  at.plugin.object().made.add(2);
  at.plugin.object().made.add();
  EXPECT_TRUE(at.serves("tocsin_fake_made_total 3")) << at.all.text();
}

TEST(HostMetrics, GaugesAndHistogramsAreDividedAndToldApartByLabels) {
  metered_house at;
  const sdk::gauge open(at.host(), "open", "Open now.", {sdk::field("pool", "a")});
  const sdk::histogram wait(at.host(), "wait_seconds", "Waited.", {100, 500}, {}, 1000);
  open.set(5);
  wait.observe(250);
  EXPECT_TRUE(at.serves("tocsin_fake_open{pool=\"a\"} 5"));
  EXPECT_TRUE(at.serves("tocsin_fake_wait_seconds_bucket{le=\"0.5\"} 1"));
  EXPECT_TRUE(at.serves("tocsin_fake_wait_seconds_sum 0.25"));
}

TEST(HostMetrics, AskingAgainGivesTheSameSeriesAndAWrongOneIsRefusedWithALine) {
  metered_house at;
  const sdk::counter again(at.host(), "made_total", "What was made.");
  again.add(4);
  EXPECT_TRUE(at.serves("tocsin_fake_made_total 4"));
  const sdk::gauge other(at.host(), "made_total", "Something else.");
  const sdk::counter wrong(at.host(), "Made-Total", "A wrong name.");
  EXPECT_FALSE(other);
  EXPECT_FALSE(wrong);
  other.set(9);
  wrong.add();
  EXPECT_TRUE(at.serves("tocsin_fake_made_total 4"));
  EXPECT_EQ(at.log.count("it asked for a metric that is refused"), 2u);
}

TEST(HostMetrics, APluginHasAThousandSeriesAndNoMore) {
  metered_house at;
  for (int number = 1; number < 1000; ++number) {
    const std::string value = std::to_string(number);
    ASSERT_TRUE(sdk::counter(at.host(), "many_total", "Many.", {sdk::field("n", value)}));
  }
  EXPECT_FALSE(sdk::counter(at.host(), "many_total", "Many.", {sdk::field("n", "one more")}));
  EXPECT_TRUE(sdk::counter(at.host(), "many_total", "Many.", {sdk::field("n", "7")}));
  EXPECT_EQ(at.log.count("1000 series already"), 1u);
}

TEST(HostMetrics, WhatAHostilePluginHandsInIsServedCleanOrNotAtAll) {
  metered_house at;
  const std::string_view bad_value("a\"b\\c\nd\xff\0e", 10);
  EXPECT_TRUE(sdk::counter(at.host(), "odd_total", "One\nline.", {sdk::field("n", bad_value)}));
  EXPECT_TRUE(at.serves("# HELP tocsin_fake_odd_total One line.")) << at.all.text();
  EXPECT_TRUE(at.serves("tocsin_fake_odd_total{n=\"a\\\"b\\\\c d\uFFFD e\"} 0")) << at.all.text();
  EXPECT_FALSE(sdk::counter(at.host(), "odd_total", "", {sdk::field("n\n} 1", "")}));
  EXPECT_FALSE(sdk::counter(at.host(), "x\n# TYPE y_total", ""));
  EXPECT_FALSE(sdk::counter(at.host(), std::string(500, 'a') + "_total", ""));
  const auto* table = at.host().table<tocsin_host_metrics>(TOCSIN_HOST_METRICS);
  tocsin_metric raw{};
  raw.struct_size = sizeof(raw);
  raw.name = sdk::to_abi("fine_total");
  raw.divisor = 1;
  EXPECT_NE(table->series(at.host().context(), &raw, nullptr, 0), 0u);
  EXPECT_EQ(table->series(at.host().context(), &raw, nullptr, 3), 0u);
  raw.kind = 77;
  EXPECT_EQ(table->series(at.host().context(), &raw, nullptr, 0), 0u);
  raw.kind = TOCSIN_METRIC_HISTOGRAM;
  raw.name = sdk::to_abi("wide");
  raw.bound_count = UINT64_MAX;
  EXPECT_EQ(table->series(at.host().context(), &raw, nullptr, 0), 0u);
}

TEST(HostMetrics, AreServedOnWhenThePluginHasGone) {
  metered_house at;
  at.plugin.object().made.add(3);
  ASSERT_TRUE(at.plugin.stop());
  EXPECT_TRUE(at.serves("tocsin_fake_made_total 3"));
}

TEST(HostMetrics, ANumberThatWasNeverGivenIsPassedOver) {
  metered_house at;
  const auto* table = at.host().table<tocsin_host_metrics>(TOCSIN_HOST_METRICS);
  table->record(at.host().context(), 0, 1);
  table->record(at.host().context(), 2, 1);
  EXPECT_TRUE(at.serves("tocsin_fake_made_total 0"));
}

}  // namespace
}  // namespace tocsin
