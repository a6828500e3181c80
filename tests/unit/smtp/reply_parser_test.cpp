// The reply parser: what is SMTP, what is not, and that neither costs more memory than it should.
#include "plugins/channels/smtp/protocol/reply_parser.hpp"

#include <gtest/gtest.h>

namespace tocsin::smtp {
namespace {

using status = reply_parser::status;

status feed_all(reply_parser& parser, std::string_view text) {
  std::string_view rest = text;
  return parser.feed(rest);
}

void expect_violation(std::string_view text) {
  reply_parser whole;
  EXPECT_EQ(feed_all(whole, text), status::violation) << text;
  EXPECT_FALSE(whole.why().empty());
  // However the bytes are cut, the verdict is the same.
  reply_parser cut;
  status last = status::need_more;
  for (const char c : text) {
    last = feed_all(cut, std::string_view(&c, 1));
    if (last == status::violation) break;
  }
  EXPECT_EQ(last, status::violation) << text;
}

TEST(ReplyParser, ReadsOneLine) {
  reply_parser parser;
  std::string_view bytes = "250 2.1.0 Ok\r\n";
  ASSERT_EQ(parser.feed(bytes), status::complete);
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(parser.value().code, 250);
  EXPECT_EQ(parser.value().enhanced, "2.1.0");
  EXPECT_EQ(parser.value().text, "2.1.0 Ok");
  EXPECT_EQ(parser.value().to_line(), "250 2.1.0 Ok");
}

TEST(ReplyParser, ReadsSeveralLinesAsOneReply) {
  reply_parser parser;
  ASSERT_EQ(feed_all(parser, "550-5.1.1 no such user\r\n550-5.1.1 here\r\n550 5.1.1 sorry\r\n"), status::complete);
  EXPECT_EQ(parser.value().text, "5.1.1 no such user\n5.1.1 here\n5.1.1 sorry");
  EXPECT_EQ(parser.value().to_line(), "550 5.1.1 no such user / 5.1.1 here / 5.1.1 sorry");
}

TEST(ReplyParser, ReadsTheSameReplyHoweverItIsCut) {
  const std::string text = "250-mx.example.org\r\n250-PIPELINING\r\n250 SIZE 1000\r\n354 go\r\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    reply_parser parser;
    std::vector<std::string> replies;
    for (std::string_view part : {std::string_view(text).substr(0, cut), std::string_view(text).substr(cut)}) {
      while (!part.empty()) {
        const status now = parser.feed(part);
        ASSERT_NE(now, status::violation) << cut;
        if (now == status::complete) replies.push_back(parser.value().to_line());
      }
    }
    EXPECT_EQ(replies, (std::vector<std::string>{"250 mx.example.org / PIPELINING / SIZE 1000", "354 go"})) << cut;
  }
}

TEST(ReplyParser, LeavesWhatFollowsTheReply) {
  reply_parser parser;
  std::string_view bytes = "220 ready\r\n250 injected\r\n";
  ASSERT_EQ(parser.feed(bytes), status::complete);
  EXPECT_EQ(bytes, "250 injected\r\n");
}

TEST(ReplyParser, TakesACodeWithoutText) {
  reply_parser parser;
  ASSERT_EQ(feed_all(parser, "250\r\n"), status::complete);
  EXPECT_EQ(parser.value().to_line(), "250");
}

TEST(ReplyParser, RefusesWhatIsNoReply) {
  expect_violation("HTTP/1.1 400 Bad Request\r\n");
  expect_violation("* OK IMAP4rev1\r\n");
  expect_violation("+OK POP3\r\n");
  expect_violation("25 short\r\n");
  expect_violation("2500 long\r\n");
  expect_violation("\r\n");
  expect_violation("150 not of SMTP\r\n");
  expect_violation("650 not of SMTP\r\n");
  expect_violation("250_ok\r\n");
}

TEST(ReplyParser, RefusesBareLineFeeds) {
  expect_violation("250 ok\n");
  expect_violation("250-ok\r\n250 ok\n");
}

TEST(ReplyParser, RefusesBareCarriageReturns) { expect_violation("250 o\rk\r\n"); }
TEST(ReplyParser, RefusesNul) { expect_violation(std::string_view("250 o\0k\r\n", 9)); }
TEST(ReplyParser, RefusesMixedCodes) { expect_violation("250-a\r\n251 b\r\n"); }
TEST(ReplyParser, RefusesBytesBeyondAscii) { expect_violation("250 gr\xc3\xbc\xc3\x9f\r\n"); }

TEST(ReplyParser, TakesUtf8OnceSmtputf8WasUsed) {
  reply_parser parser;
  parser.allow_utf8();
  EXPECT_EQ(feed_all(parser, "250 gr\xc3\xbc\xc3\x9f\r\n"), status::complete);
  EXPECT_EQ(feed_all(parser, "250 gr\xfc\xdf\r\n"), status::violation);
}

TEST(ReplyParser, RefusesAnEndlessLine) {
  reply_parser parser;
  const std::string part(1000, 'x');
  ASSERT_EQ(feed_all(parser, "250 "), status::need_more);
  status last = status::need_more;
  for (int i = 0; i < 5 && last == status::need_more; ++i) last = feed_all(parser, part);
  EXPECT_EQ(last, status::violation);
}

TEST(ReplyParser, RefusesEndlessLines) {
  reply_parser parser;
  status last = status::need_more;
  std::size_t lines = 0;
  while (last == status::need_more && lines < 100000) {
    last = feed_all(parser, "250-and on\r\n");
    ++lines;
  }
  EXPECT_EQ(last, status::violation);
  EXPECT_LE(lines, max_reply_lines + 1);
}

TEST(ReplyParser, RefusesALongReplyOfLongLines) {
  reply_parser parser;
  const std::string line = "250-" + std::string(4000, 'x') + "\r\n";
  status last = status::need_more;
  std::size_t bytes = 0;
  while (last == status::need_more && bytes < (std::size_t{1} << 24)) {
    last = feed_all(parser, line);
    bytes += line.size();
  }
  EXPECT_EQ(last, status::violation);
  EXPECT_LE(bytes, max_reply_bytes + line.size());
}

TEST(ReplyParser, StaysBrokenAfterAViolation) {
  reply_parser parser;
  ASSERT_EQ(feed_all(parser, "nonsense\r\n"), status::violation);
  EXPECT_EQ(feed_all(parser, "250 ok\r\n"), status::violation);
}

TEST(EnhancedCode, IsFoundOnlyWhereItAgreesWithTheCode) {
  EXPECT_EQ(find_enhanced_code(550, "5.1.1 no"), "5.1.1");
  EXPECT_EQ(find_enhanced_code(550, "5.7.139"), "5.7.139");
  EXPECT_EQ(find_enhanced_code(550, "4.1.1 no"), "");
  EXPECT_EQ(find_enhanced_code(250, "2.0.0"), "2.0.0");
  EXPECT_EQ(find_enhanced_code(550, "5.1 no"), "");
  EXPECT_EQ(find_enhanced_code(550, "5.1.1234 no"), "");
  EXPECT_EQ(find_enhanced_code(550, "5.1.1x no"), "");
  EXPECT_EQ(find_enhanced_code(550, ""), "");
}

}  // namespace
}  // namespace tocsin::smtp
