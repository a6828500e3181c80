// Tests of dates in a language and a time zone.
#include "core/rendering/localized_time.hpp"

#include "core/model/timestamp.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

const time_ms evening = *parse_rfc3339("2026-11-21T23:53:00Z");

TEST(LocalizedTime, IsInTheLanguage) {
  EXPECT_EQ(localized_date_time(evening, "en", "UTC"), "November 21, 2026 at 23:53 UTC");
  EXPECT_EQ(localized_date_time(evening, "fr", "UTC"), "21 novembre 2026 à 23:53 UTC");
  EXPECT_EQ(localized_date(evening, "en-GB", "UTC"), "21 November 2026");
}

TEST(LocalizedTime, IsInTheTimeZoneWithItsSummerTime) {
  EXPECT_EQ(localized_date_time(evening, "fr", "Europe/Paris"), "22 novembre 2026 à 00:53 UTC+1");
  EXPECT_EQ(localized_date(evening, "en", "Europe/Paris"), "November 22, 2026");
  EXPECT_EQ(localized_date(evening, "en", "America/New_York"), "November 21, 2026");
  const time_ms summer = *parse_rfc3339("2026-07-01T12:00:00Z");
  EXPECT_NE(localized_date_time(summer, "fr", "Europe/Paris").find("14:00 UTC+2"), std::string::npos);
}

TEST(LocalizedTime, FallsBackToUtcAndEnglish) {
  EXPECT_EQ(localized_date_time(evening, "en", "Mars/Olympus"), "November 21, 2026 at 23:53 UTC");
  EXPECT_EQ(localized_date_time(evening, "en", ""), "November 21, 2026 at 23:53 UTC");
  EXPECT_NE(localized_date_time(evening, "!!", "UTC").find("2026"), std::string::npos);
  EXPECT_FALSE(localized_date_time(std::numeric_limits<time_ms>::max(), "en", "UTC").empty());
}

}  // namespace
}  // namespace tocsin
