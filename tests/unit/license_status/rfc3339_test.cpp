// RFC 3339 times of license files.
#include "plugins/sources/license_status/rfc3339.hpp"

#include <gtest/gtest.h>

namespace {

using namespace tocsin::license_status;

TEST(LicenseTime, ReadsTheExamplesOfRfc3339) {
  EXPECT_EQ(parse_time("1985-04-12T23:20:50.52Z"), 482196050520);
  EXPECT_EQ(parse_time("1996-12-19T16:39:57-08:00"), 851042397000);
  EXPECT_EQ(parse_time("1990-12-31T23:59:60Z"), 662688000000);
  EXPECT_EQ(parse_time("1937-01-01T12:00:27.87+00:20"), -1041337172130);
  EXPECT_EQ(parse_time("1970-01-01t00:00:00z"), 0);
}

TEST(LicenseTime, KnowsWhichYearsHaveALeapDay) {
  EXPECT_TRUE(parse_time("2028-02-29T00:00:00Z"));
  EXPECT_FALSE(parse_time("2027-02-29T00:00:00Z"));
  EXPECT_FALSE(parse_time("2100-02-29T00:00:00Z"));
  EXPECT_TRUE(parse_time("2000-02-29T00:00:00Z"));
}

TEST(LicenseTime, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2027", "2027-01-31", "2027-01-31T12:00", "2027-01-31T12:00:00", "2027-13-01T00:00:00Z",
                           "2027-00-01T00:00:00Z", "2027-01-32T00:00:00Z", "2027-04-31T00:00:00Z",
                           "2027-01-01T24:00:00Z", "2027-01-01T00:60:00Z", "2027-01-01T00:00:61Z",
                           "2027-01-01T00:00:00.Z", "2027-01-01T00:00:00+24:00", "2027-01-01T00:00:00+0100",
                           "2027-01-01T00:00:00Zx", " 2027-01-01T00:00:00Z", "-027-01-01T00:00:00Z", "31.01.2027"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(LicenseTime, WritesWhatItReads) {
  for (const char* text : {"2027-01-31T12:00:00Z", "2028-02-29T23:59:59Z", "1970-01-01T00:00:00Z",
                           "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "1969-12-31T23:59:59.001Z"}) {
    const auto time = parse_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(format_time(*time), text);
  }
}

}  // namespace
