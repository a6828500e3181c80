// Text made fit for headers and names of files.
#include "plugins/channels/file/text.hpp"

#include <gtest/gtest.h>

namespace tocsin::file {
namespace {

TEST(FileText, KeepsPlainHeaderTextAndFoldsItAtSpaces) {
  EXPECT_EQ(header_text("License expires in 7 days"), "License expires in 7 days");
  const std::string folded = header_text(std::string(40, 'a') + " " + std::string(40, 'b'));
  EXPECT_EQ(folded, std::string(40, 'a') + "\n " + std::string(40, 'b'));
}

TEST(FileText, EncodesWhatAHeaderCannotHold) {
  EXPECT_EQ(header_text("Größe"), "=?utf-8?B?R3LDtsOfZQ==?=");
  EXPECT_EQ(header_text("=?utf-8?Q?not?="), "=?utf-8?B?PT91dGYtOD9RP25vdD89?=");
}

TEST(FileText, LetsNoHeaderBeInjected) {
  EXPECT_EQ(header_text("a\r\nBcc: x@example.org").find('\n'), std::string::npos);
}

TEST(FileText, NeverMakesAnEncodedWordLongerThanItMayBe) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "ä€😀";
  const std::string encoded = header_text(text);
  for (std::size_t at = 0; at < encoded.size();) {
    const std::size_t end = std::min(encoded.find('\n', at), encoded.size());
    EXPECT_LE(end - at, 76u);
    at = end + 1;
  }
}

TEST(FileText, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(clean_utf8("a\xff"), "a\xef\xbf\xbd");
  EXPECT_EQ(clean_utf8("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(clean_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(clean_utf8("ä€😀"), "ä€😀");
}

TEST(FileText, NamesNoFileOutsideOfItsFolderAndNoTwoTextsAlike) {
  EXPECT_EQ(file_name("../../etc/passwd"), ".._2f.._2fetc_2fpasswd");
  EXPECT_EQ(file_name("a:b"), "a_3ab");
  EXPECT_NE(file_name("a_b"), file_name("a/b"));
  EXPECT_LE(file_name(std::string(4000, 'x')).size(), 180u);
  EXPECT_NE(file_name(std::string(4000, 'x')), file_name(std::string(3999, 'x') + "y"));
}

TEST(FileText, WritesDatesAsMailAndRecordsHaveThem) {
  EXPECT_EQ(mail_date(1763769181000), "Fri, 21 Nov 2025 23:53:01 +0000");
  EXPECT_EQ(iso_time(1763769181042), "2025-11-21T23:53:01.042Z");
  EXPECT_EQ(iso_time(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(mail_date(INT64_MAX).substr(12, 4), "9999");
}

TEST(FileText, KnowsAPlainAddress) {
  EXPECT_TRUE(is_plain_address("ops@example.org"));
  for (const char* other : {"", "ops", "@", "a@", "@b", "a b@c", "a@b@c", "a..b@c", "ops/team", "\"a\"@b", "ä@b.c"}) {
    EXPECT_FALSE(is_plain_address(other)) << other;
  }
}

}  // namespace
}  // namespace tocsin::file
