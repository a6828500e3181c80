// Series by the values of their labels, found without a lock.
#include "core/observe/labelled_series.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include <thread>
#include <vector>

namespace tocsin {
namespace {

metric_definition counter() { return {"tocsin_test_total", "How often.", metric_kind::counter, 1, {}}; }

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(LabelledSeries, CountsEachCombinationOfValuesByItself) {
  metric_registry all;
  labelled_series series(all, counter(), {"channel", "code"});
  series.record({"email", "OK"}, 1);
  series.record({"email", "OK"}, 1);
  series.record({"emailOK", ""}, 1);
  EXPECT_NE(all.text().find("tocsin_test_total{channel=\"email\",code=\"OK\"} 2\n"), std::string::npos);
  EXPECT_NE(all.text().find("tocsin_test_total{channel=\"emailOK\",code=\"\"} 1\n"), std::string::npos);
}

TEST(LabelledSeries, CountsWhatComesBeyondTheBoundAsOther) {
  metric_registry all;
  labelled_series series(all, counter(), {"name"});
  for (std::size_t i = 0; i < labelled_series::most_series + 500; ++i) series.record({std::to_string(i)}, 1);
  EXPECT_EQ(lines_in(all.text()), labelled_series::most_series + 1 + 2);  // HELP and TYPE
  EXPECT_NE(all.text().find("tocsin_test_total{name=\"other\"} 500\n"), std::string::npos);
}

TEST(LabelledSeries, LosesNothingOfWhatSeveralThreadsRecordAtOnce) {
  metric_registry all;
  labelled_series series(all, counter(), {"name"});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&series] {
      for (int i = 0; i < 10'000; ++i) series.record({std::to_string(i % 50)}, 1);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lines_in(all.text()), 52u);
  EXPECT_NE(all.text().find("tocsin_test_total{name=\"7\"} 800\n"), std::string::npos);
}

}  // namespace
}  // namespace tocsin
