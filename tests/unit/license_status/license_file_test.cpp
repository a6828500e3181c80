// License files: good ones, and every way of being bad.
#include "plugins/sources/license_status/license_file.hpp"

#include "plugins/sources/license_status/rfc3339.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace tocsin::license_status;

const std::string good =
    R"({"product":"Robots Pro","holder":"Acme é","expires":"2027-01-31T12:00:00+01:00","seats":100,"used":83,"organization":"acme"})";

std::string problem_of(std::string_view bytes) {
  const auto parsed = parse_license(bytes);
  return parsed ? "" : parsed.error();
}

TEST(LicenseFile, ReadsAllItsFields) {
  const auto parsed = parse_license(good);
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(parsed->product, "Robots Pro");
  EXPECT_EQ(parsed->holder, "Acme é");
  EXPECT_EQ(parsed->organization, "acme");
  EXPECT_EQ(format_time(parsed->expires_ms), "2027-01-31T11:00:00Z");
  EXPECT_EQ(parsed->seats, 100);
  EXPECT_EQ(parsed->used, 83);
}

TEST(LicenseFile, NeedsOnlyProductHolderAndExpires) {
  const auto parsed = parse_license(R"({"product":"P","holder":"H","expires":"2027-01-31T12:00:00Z"})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->organization, "");
  EXPECT_FALSE(parsed->seats);
  EXPECT_FALSE(parsed->used);
}

TEST(LicenseFile, PassesOverMembersThatItDoesNotKnowAndAByteOrderMark) {
  EXPECT_TRUE(
      parse_license("\xEF\xBB\xBF"
                    R"({"product":"P","holder":"H","expires":"2027-01-31T12:00:00Z","key":{"a":[1]},"seats":null})"));
}

TEST(LicenseFile, SaysWhatIsMissingOrWrong) {
  const auto with = [](const char* product, const char* holder, const char* rest) {
    return std::string("{\"product\":") + product + ",\"holder\":" + holder + rest + "}";
  };
  const char* expires = ",\"expires\":\"2027-01-31T12:00:00Z\"";
  EXPECT_EQ(problem_of(""), "the file is empty");
  EXPECT_EQ(problem_of("[]"), "the file is JSON, but no object");
  EXPECT_EQ(problem_of("{}"), "\"product\" is missing");
  EXPECT_EQ(problem_of(with("null", "\"H\"", expires)), "\"product\" is missing");
  EXPECT_EQ(problem_of(with("\"\"", "\"H\"", expires)), "\"product\" is empty");
  EXPECT_EQ(problem_of(with("\"P\"", "7", expires)), "\"holder\" is not a string");
  EXPECT_EQ(problem_of(with("\"a\\nb\"", "\"H\"", expires)), "\"product\" has a control character in it");
  EXPECT_EQ(problem_of(with(("\"" + std::string(257, 'x') + "\"").c_str(), "\"H\"", expires)),
            "\"product\" is longer than 256 bytes");
  EXPECT_EQ(problem_of(with("\"P\"", "\"H\"", "")), "\"expires\" is missing");
  EXPECT_EQ(problem_of(with("\"P\"", "\"H\"", ",\"expires\":\"31.01.2027\"")),
            "\"expires\" is not a time as RFC 3339 has it; write it like \"2027-01-31T12:00:00Z\"");
  EXPECT_NE(problem_of(with("\"P\"", "\"H\"", ",\"expires\":1893456000")), "");
  EXPECT_NE(problem_of(with("\"P\"", "\"H\"", (std::string(expires) + ",\"seats\":-1").c_str())), "");
  EXPECT_NE(problem_of(with("\"P\"", "\"H\"", (std::string(expires) + ",\"seats\":1.5").c_str())), "");
  EXPECT_NE(problem_of(with("\"P\"", "\"H\"", (std::string(expires) + ",\"used\":\"many\"").c_str())), "");
  EXPECT_NE(problem_of(with("\"P\"", "\"H\"", (std::string(expires) + ",\"organization\":1").c_str())), "");
}

TEST(LicenseFile, IsBadWhereverItIsCutOff) {
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(problem_of(std::string_view(good).substr(0, size)), "") << size;
  }
}

TEST(LicenseFile, RefusesDepthSizeAndTextThatIsNotUtf8) {
  EXPECT_NE(problem_of(std::string(100000, '[')), "");
  EXPECT_EQ(problem_of(std::string(largest_file_bytes + 1, ' ')), "the file is larger than 1 MiB");
  EXPECT_NE(problem_of("{\"product\":\"\xff\",\"holder\":\"H\",\"expires\":\"2027-01-31T12:00:00Z\"}"), "");
  EXPECT_NE(problem_of(std::string("\0\0\0\0", 4)), "");
}

}  // namespace
