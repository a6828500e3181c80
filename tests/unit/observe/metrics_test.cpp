// The registry of metrics, and the text that it is served as.
#include "core/observe/metrics.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace tocsin {
namespace {

metric_definition counter(std::string name) { return {std::move(name), "How often.", metric_kind::counter, 1, {}}; }

TEST(Metrics, ACounterAddsAndPassesOverWhatIsNegative) {
  metric_registry all;
  const auto series = all.series(counter("tocsin_test_total"), {});
  ASSERT_TRUE(series);
  (*series)->record(2);
  (*series)->record(-5);
  (*series)->record(1);
  EXPECT_EQ(all.text(),
            "# HELP tocsin_test_total How often.\n"
            "# TYPE tocsin_test_total counter\n"
            "tocsin_test_total 3\n");
}

TEST(Metrics, AGaugeIsSetAndServedDividedByItsDivisor) {
  metric_registry all;
  const auto series = all.series({"lag_seconds", "How far.", metric_kind::gauge, 1000, {}}, {});
  ASSERT_TRUE(series);
  (*series)->record(9000);
  (*series)->record(1250);
  EXPECT_NE(all.text().find("lag_seconds 1.25\n"), std::string::npos);
}

TEST(Metrics, AHistogramCountsEachValueUnderEveryBoundThatIsNotBelowIt) {
  metric_registry all;
  const auto series = all.series({"wait_seconds", "How long.", metric_kind::histogram, 1000, {100, 500}}, {});
  ASSERT_TRUE(series);
  for (const std::int64_t value : {100, 101, 500, 2000}) (*series)->record(value);
  EXPECT_EQ(all.text(),
            "# HELP wait_seconds How long.\n"
            "# TYPE wait_seconds histogram\n"
            "wait_seconds_bucket{le=\"0.1\"} 1\n"
            "wait_seconds_bucket{le=\"0.5\"} 3\n"
            "wait_seconds_bucket{le=\"+Inf\"} 4\n"
            "wait_seconds_sum 2.701\n"
            "wait_seconds_count 4\n");
}

TEST(Metrics, LabelsTellSeriesApartInAnyOrderAndAreEscaped) {
  metric_registry all;
  const auto one = all.series(counter("sent_total"), {{"b", "\"x\"\\\n"}, {"a", "1"}});
  const auto same = all.series(counter("sent_total"), {{"a", "1"}, {"b", "\"x\"\\\n"}});
  const auto other = all.series(counter("sent_total"), {{"a", "2"}, {"b", ""}});
  ASSERT_TRUE(one && same && other);
  EXPECT_EQ(*one, *same);
  EXPECT_NE(*one, *other);
  EXPECT_NE(all.text().find("sent_total{a=\"1\",b=\"\\\"x\\\"\\\\\\n\"} 0\n"), std::string::npos);
}

TEST(Metrics, RefusesWhatPrometheusWouldNotTakeOrWhatContradictsAnEarlierSeries) {
  metric_registry all;
  ASSERT_TRUE(all.series(counter("sent_total"), {{"a", "1"}}));
  EXPECT_FALSE(all.series(counter("Sent"), {}));
  EXPECT_FALSE(all.series(counter("1sent"), {}));
  EXPECT_FALSE(all.series(counter(""), {}));
  EXPECT_FALSE(all.series(counter("sent_total"), {}));
  EXPECT_FALSE(all.series(counter("sent_total"), {{"b", "1"}}));
  EXPECT_FALSE(all.series({"sent_total", "", metric_kind::counter, 10, {}}, {{"a", "1"}}));
  EXPECT_FALSE(all.series(counter("twice_total"), {{"a", "1"}, {"a", "2"}}));
  EXPECT_FALSE(all.series({"h", "", metric_kind::histogram, 1, {}}, {}));
  EXPECT_FALSE(all.series({"h", "", metric_kind::histogram, 1, {5, 5}}, {}));
  EXPECT_FALSE(all.series({"h", "", metric_kind::histogram, 1, {5}}, {{"le", "1"}}));
  EXPECT_FALSE(all.series({"g", "", metric_kind::gauge, 0, {}}, {}));
  EXPECT_FALSE(all.series(counter("sent_total\xff"), {}));
  EXPECT_FALSE(all.series(counter("label_total"), {{"__name__", "1"}}));
  EXPECT_EQ(all.text(), "# HELP sent_total How often.\n# TYPE sent_total counter\nsent_total{a=\"1\"} 0\n");
}

TEST(Metrics, ACounterEndsInTotalAndNothingElseDoes) {
  metric_registry all;
  EXPECT_FALSE(all.series(counter("sent"), {}));
  EXPECT_FALSE(all.series({"open_total", "", metric_kind::gauge, 1, {}}, {}));
  EXPECT_FALSE(all.series({"wait_total", "", metric_kind::histogram, 1, {5}}, {}));
  EXPECT_TRUE(all.series(counter("sent_total"), {}));
  EXPECT_TRUE(all.series({"open", "", metric_kind::gauge, 1, {}}, {}));
}

TEST(Metrics, TheLinesOfAHistogramAreNoOtherMetrics) {
  metric_registry all;
  ASSERT_TRUE(all.series({"wait", "", metric_kind::histogram, 1, {5}}, {}));
  EXPECT_FALSE(all.series({"wait_sum", "", metric_kind::gauge, 1, {}}, {}));
  EXPECT_FALSE(all.series({"wait_bucket", "", metric_kind::gauge, 1, {}}, {}));
  ASSERT_TRUE(all.series({"size_count", "", metric_kind::gauge, 1, {}}, {}));
  EXPECT_FALSE(all.series({"size", "", metric_kind::histogram, 1, {5}}, {}));
}

TEST(Metrics, AMetricIsItsOwnersAlone) {
  metric_registry all;
  all.watch(counter("tocsin_events_accepted_total"), [] { return std::vector<metric_sample>{{{}, 1}}; });
  ASSERT_TRUE(all.series(counter("tocsin_a_b_total"), {}, "a"));
  EXPECT_TRUE(all.series(counter("tocsin_a_b_total"), {}, "a"));
  EXPECT_FALSE(all.series(counter("tocsin_a_b_total"), {}, "a-b"));
  EXPECT_FALSE(all.series(counter("tocsin_events_accepted_total"), {}, "events"));
}

TEST(Metrics, AWatchedNumberIsReadWhenItIsServedAndLeftOutWhileThereIsNone) {
  metric_registry all;
  std::vector<metric_sample> samples;
  all.watch(counter("events_total"), [&] { return samples; });
  EXPECT_EQ(all.text(), "");
  samples = {{{{"state", "a\"b"}}, 7}};
  EXPECT_EQ(all.text(),
            "# HELP events_total How often.\n"
            "# TYPE events_total counter\n"
            "events_total{state=\"a\\\"b\"} 7\n");
}

TEST(Metrics, RecordingFromSeveralThreadsLosesNothing) {
  metric_registry all;
  const auto series = all.series({"wait_seconds", "How long.", metric_kind::histogram, 1, {10}}, {});
  ASSERT_TRUE(series);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int times = 0; times < 1000; ++times) (*series)->record(3);
    });
  }
  for (auto& one : threads) one.join();
  EXPECT_EQ((*series)->value(), 12'000);
  EXPECT_EQ((*series)->buckets(), (std::vector<std::uint64_t>{4000, 0}));
}

}  // namespace
}  // namespace tocsin
