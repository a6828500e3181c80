#include "core/model/timestamp.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

using namespace std::chrono_literals;

TEST(Rfc3339, ReadsUtcOffsetsAndFractions) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_rfc3339("2026-11-21T23:30:00Z"), 1'795'303'800'000);
  EXPECT_EQ(parse_rfc3339("2026-11-22t00:30:00.25+01:00"), 1'795'303'800'250);
  EXPECT_EQ(parse_rfc3339("2024-02-29 12:00:00.1239-00:30"), 1'709'209'800'123 + 0);
}

TEST(Rfc3339, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2026-11-21", "2026-11-21T23:30:00", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
                           "2026-11-21T24:00:00Z", "2026-11-21T23:60:00Z", "2026-11-21T23:30:00.Z",
                           "2026-11-21T23:30:00Z ", "2026-11-21T23:30:00+1:00", "-026-11-21T23:30:00Z"})
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
}

TEST(Rfc3339, ReadsBackWhatItWrites) {
  for (const time_ms time : {0L, 1L, 1'795'303'800'250L, 951'782'400'000L, -1'000L})
    EXPECT_EQ(parse_rfc3339(to_rfc3339(time)), time) << to_rfc3339(time);
  EXPECT_EQ(to_rfc3339(1'795'303'800'000), "2026-11-21T23:30:00Z");
  EXPECT_EQ(to_rfc3339(1'795'303'800'007), "2026-11-21T23:30:00.007Z");
}

TEST(Duration, IsAnIntegerWithAUnit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("15m"), 15min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("3d"), 72h);
  EXPECT_EQ(parse_duration("0s"), 0s);
  for (const char* text : {"", "s", "5", "-5s", "1.5s", "5 s", "5S", "5w", "99999999999d", "18446744073709551616ms"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Size, IsAnIntegerWithABinaryUnit) {
  EXPECT_EQ(parse_size("512"), 512u);
  EXPECT_EQ(parse_size("8MiB"), 8u << 20);
  EXPECT_EQ(parse_size("1GiB"), 1u << 30);
  for (const char* text : {"", "MiB", "8MB", "8mib", "-1KiB", "18446744073709551615KiB"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

}  // namespace
}  // namespace tocsin
