// Composed mails, byte by byte. composer_oracle.py has them read back by another implementation.
#include "plugins/channels/smtp/mime/composer.hpp"
#include "plugins/channels/smtp/mime/body.hpp"

#include <gtest/gtest.h>

namespace tocsin::smtp {
namespace {

mail_parts sample() {
  mail_parts parts;
  parts.from_field = "From: Acme <noreply@example.org>\r\n";
  parts.to = "ops@example.org";
  parts.subject = "License expires";
  parts.message_id = "42.abc@host.example";
  parts.created_ms = 1763769181000;
  parts.text = "It expires.\nSoon.\n";
  return parts;
}

std::string body(std::string_view text, transfer_encoding encoding) {
  std::string out;
  append_body(out, text, encoding);
  return out;
}

void expect_wire_form(std::string_view mail) {
  std::size_t begin = 0;
  while (begin < mail.size()) {
    const std::size_t end = mail.find('\n', begin);
    ASSERT_NE(end, std::string_view::npos) << "the last line has no end";
    ASSERT_GT(end, begin);
    EXPECT_EQ(mail[end - 1], '\r') << "a bare LF";
    const std::string_view line = mail.substr(begin, end - 1 - begin);
    EXPECT_EQ(line.find('\r'), std::string_view::npos) << "a bare CR";
    EXPECT_EQ(line.find('\0'), std::string_view::npos);
    EXPECT_LE(line.size(), 998U + 1);
    const bool last = end + 1 == mail.size();
    EXPECT_TRUE(last || !line.starts_with('.') || line.starts_with("..")) << line;
    begin = end + 1;
  }
  EXPECT_TRUE(mail.ends_with("\r\n.\r\n"));
}

TEST(Composer, WritesASimpleMail) {
  EXPECT_EQ(compose(sample()),
            "From: Acme <noreply@example.org>\r\n"
            "To: ops@example.org\r\n"
            "Subject: License expires\r\n"
            "Date: Fri, 21 Nov 2025 23:53:01 +0000\r\n"
            "Message-ID: <42.abc@host.example>\r\n"
            "MIME-Version: 1.0\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "Content-Type: text/plain; charset=us-ascii\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "It expires.\r\nSoon.\r\n"
            ".\r\n");
}

TEST(Composer, IsTheSameByteForByteEachTime) {
  mail_parts parts = sample();
  parts.html = "<p>Caf\xc3\xa9</p>\n";
  EXPECT_EQ(compose(parts), compose(parts));
}

TEST(Composer, TextAndHtmlAreAlternativesWithTheTextFirst) {
  mail_parts parts = sample();
  parts.html = "<p>It expires.</p>\n";
  const std::string mail = compose(parts);
  expect_wire_form(mail);
  EXPECT_NE(mail.find("Content-Type: multipart/alternative;"), std::string::npos);
  EXPECT_LT(mail.find("text/plain"), mail.find("text/html"));
}

TEST(Composer, ABoundaryInTheTextDoesNoHarm) {
  mail_parts parts = sample();
  parts.html = "<p>x</p>";
  std::string boundary = compose(parts);
  boundary = boundary.substr(boundary.find("boundary=\"") + 10);
  boundary = boundary.substr(0, boundary.find('"'));
  const std::string text = "--" + boundary + "\nforged part\n--" + boundary + "--\n";
  parts.text = text;
  const std::string mail = compose(parts);
  std::size_t delimiters = 0;
  for (std::size_t at = mail.find("\r\n--" + boundary); at != std::string::npos;
       at = mail.find("\r\n--" + boundary, at + 1)) {
    ++delimiters;
  }
  EXPECT_EQ(delimiters, 3U);
}

TEST(Composer, DotsAtTheBeginningOfALineAreDoubled) {
  mail_parts parts = sample();
  parts.text = ".\n..\n.hidden\nno.dot\n";
  const std::string mail = compose(parts);
  EXPECT_NE(mail.find("\r\n\r\n..\r\n...\r\n..hidden\r\nno.dot\r\n.\r\n"), std::string::npos);
  expect_wire_form(mail);
}

TEST(Composer, NoEndOfDataIsSmuggledIn) {
  // Each of these ends the data for some server; one mail must come of it, with CRLF "." CRLF only at its end.
  for (const char* variant :
       {"\n.\n", "\n.\r\n", "\r.\r", "\r.\n", "\r\n.\r", "\r\n.\n", "\r.\r\n", "\n.\r", "\r\n.\r\n"}) {
    mail_parts parts = sample();
    const std::string text = std::string("before") + variant + "MAIL FROM:<x@example.org>\r\n";
    parts.text = text;
    const std::string mail = compose(parts);
    expect_wire_form(mail);
    EXPECT_EQ(mail.find("\r\n.\r\n"), mail.size() - 5);
  }
}

TEST(Composer, NoFieldAddsAHeader) {
  mail_parts parts = sample();
  const std::string from = compose_from("a\r\nBcc: x@example.org", "noreply@example.org");
  parts.from_field = from;
  parts.subject = "s\r\nBcc: x@example.org\r\n\r\nbody";
  parts.message_id = "id\r\nBcc: x@example.org";
  const std::string mail = compose(parts);
  EXPECT_EQ(mail.find("\nBcc"), std::string::npos);
  EXPECT_EQ(mail.find("\r\n\r\n"), mail.find("\r\n\r\nIt expires."));
  expect_wire_form(mail);
}

TEST(Composer, ANameThatNeedsItIsQuotedOrEncoded) {
  EXPECT_EQ(compose_from("", "a@example.org"), "From: a@example.org\r\n");
  EXPECT_EQ(compose_from("Acme, Inc.", "a@example.org"), "From: \"Acme, Inc.\" <a@example.org>\r\n");
  EXPECT_EQ(compose_from("Caf\xc3\xa9", "a@example.org"), "From: =?UTF-8?Q?Caf=C3=A9?= <a@example.org>\r\n");
}

TEST(Composer, AnEmptyMailIsAMail) {
  mail_parts parts = sample();
  parts.subject = "";
  parts.text = "";
  expect_wire_form(compose(parts));
}

TEST(Encoding, IsSevenBitAsLongAsThatIsPossible) {
  EXPECT_EQ(choose_encoding("plain\ttext\r\n", "=_"), transfer_encoding::seven_bit);
  EXPECT_EQ(choose_encoding(std::string(998, 'x') + "\n", "=_"), transfer_encoding::seven_bit);
  EXPECT_EQ(choose_encoding(std::string(999, 'x') + "\n", "=_"), transfer_encoding::quoted_printable);
  EXPECT_EQ(choose_encoding("Caf\xc3\xa9 and much more text around it", "=_"), transfer_encoding::quoted_printable);
  EXPECT_EQ(choose_encoding("a\x01", "=_"), transfer_encoding::quoted_printable);
  EXPECT_EQ(choose_encoding("x =_ y", "=_"), transfer_encoding::quoted_printable);
  EXPECT_EQ(choose_encoding("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "=_"), transfer_encoding::base64);
}

TEST(QuotedPrintable, KeepsItsRules) {
  EXPECT_EQ(body("a=b", transfer_encoding::quoted_printable), "a=3Db\r\n");
  EXPECT_EQ(body("end \nend\t\n", transfer_encoding::quoted_printable), "end=20\r\nend=09\r\n");
  EXPECT_EQ(body(std::string(76, 'x'), transfer_encoding::quoted_printable), std::string(76, 'x') + "\r\n");
  EXPECT_EQ(body(std::string(77, 'x'), transfer_encoding::quoted_printable), std::string(75, 'x') + "=\r\nxx\r\n");
  EXPECT_EQ(body(".", transfer_encoding::quoted_printable), "..\r\n");
  EXPECT_EQ(body(std::string(75, 'x') + ".y", transfer_encoding::quoted_printable),
            std::string(75, 'x') + "=\r\n..y\r\n");
}

TEST(QuotedPrintable, NoLineIsLongerThan76) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += i % 7 == 0 ? "\xc3\xa9" : i % 11 == 0 ? "." : "x";
  const std::string encoded = body(text, transfer_encoding::quoted_printable);
  std::string_view rest = encoded;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    EXPECT_LE(end, rest[0] == '.' ? 77U : 76U);
    rest.remove_prefix(end + 2);
  }
}

TEST(Date, IsWrittenAsRfc5322Says) {
  EXPECT_EQ(format_date(0), "Thu, 01 Jan 1970 00:00:00 +0000");
  EXPECT_EQ(format_date(951782400000), "Tue, 29 Feb 2000 00:00:00 +0000");
  EXPECT_EQ(format_date(1735689599999), "Tue, 31 Dec 2024 23:59:59 +0000");
  EXPECT_EQ(format_date(-1), "Wed, 31 Dec 1969 23:59:59 +0000");
  EXPECT_EQ(format_date(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 +0000");
  EXPECT_EQ(format_date(INT64_MIN), "Mon, 01 Jan 1900 00:00:00 +0000");
}

}  // namespace
}  // namespace tocsin::smtp
