// SPDX-License-Identifier: Apache-2.0
// What a mail's accessors make of headers and bodies as clients send them.
#include <gtest/gtest.h>

#include <string>
#include <tocsin/inbox/inbox.hpp>

namespace tocsin::inbox {
namespace {

mail with(std::string data) {
  mail result;
  result.data = std::move(data);
  return result;
}

TEST(InboxMail, FindsAHeaderWhateverItsCaseAndTheFirstOfTwo) {
  const auto mail = with("X-Other: 1\r\nsubject: first\r\nSubject: second\r\n\r\nSubject: body\r\n");
  EXPECT_EQ(mail.header("Subject"), "first");
  EXPECT_EQ(mail.header("X-Nothing"), "");
}

TEST(InboxMail, UnfoldsAHeader) {
  EXPECT_EQ(with("Subject: a long\r\n subject\r\n\tline\r\n\r\n").header("Subject"), "a long subject\tline");
}

TEST(InboxMail, DecodesEncodedWords) {
  EXPECT_EQ(with("Subject: =?utf-8?B?w6lsw6g=?= =?UTF-8?Q?ve_=C3=A9?= ok\r\n\r\n").header("Subject"), "élève é ok");
  EXPECT_EQ(with("Subject: =?iso-8859-1?q?=E9t=E9?=\r\n\r\n").header("Subject"), "été");
}

TEST(InboxMail, JoinsEncodedWordsOverAFoldAndKeepsTheSpaceBesidePlainText) {
  EXPECT_EQ(with("Subject: =?UTF-8?Q?one?=\r\n =?UTF-8?Q?two?= three =?UTF-8?Q?four?=\r\n\r\n").header("Subject"),
            "onetwo three four");
}

TEST(InboxMail, LeavesWhatIsNoEncodedWord) {
  EXPECT_EQ(with("Subject: =?utf-8?X?abc?= =? 1=2?\r\n\r\n").header("Subject"), "=?utf-8?X?abc?= =? 1=2?");
  EXPECT_EQ(with("Subject: =?klingon?Q?abc?=\r\n\r\n").header("Subject"), "=?klingon?Q?abc?=");
}

TEST(InboxMail, GivesThePlainBodyWithoutAContentType) {
  const auto mail = with("Subject: x\r\n\r\nline 1\r\nline 2\r\n");
  EXPECT_EQ(mail.text(), "line 1\nline 2\n");
  EXPECT_EQ(mail.html(), "");
}

TEST(InboxMail, DecodesQuotedPrintableWithSoftBreaks) {
  EXPECT_EQ(with("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\n"
                 "caf=C3=A9 is=\r\n joined=20\r\n=3D and = alone\r\n")
                .text(),
            "café is joined \n= and = alone\n");
}

TEST(InboxMail, DecodesBase64AndLatin1) {
  EXPECT_EQ(with("Content-Type: text/html; charset=\"ISO-8859-1\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                 "PHA+\r\n6Twv\r\ncD4=\r\n")
                .html(),
            "<p>é</p>");
}

TEST(InboxMail, FindsTextAndHtmlInNestedParts) {
  const auto mail = with(
      "Content-Type: multipart/mixed; boundary=\"out er\"\r\n\r\npreamble\r\n"
      "--out er\r\nContent-Type: multipart/alternative;\r\n boundary=in\r\n\r\n"
      "--in\r\nContent-Type: text/plain\r\n\r\nplain --in the middle\r\n--in\r\n"
      "Content-Type: text/html\r\n\r\n<b>html</b>\r\n--in--\r\n"
      "--out er\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nattached\r\n--out "
      "er--\r\nend\r\n");
  EXPECT_EQ(mail.text(), "plain --in the middle");
  EXPECT_EQ(mail.html(), "<b>html</b>");
}

TEST(InboxMail, PassesOverAttachmentsToTheText) {
  const auto mail = with(
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; filename=a.txt\r\n"
      "Content-Type: text/plain\r\n\r\nattached\r\n--b\r\n\r\ntext\r\n--b--\r\n");
  EXPECT_EQ(mail.text(), "text");
}

TEST(InboxMail, StaysBoundedOnBrokenMessages) {
  EXPECT_EQ(with("").text(), "");
  EXPECT_EQ(with("Content-Type: multipart/mixed\r\n\r\n--\r\nx\r\n").text(), "");
  EXPECT_EQ(with("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b").text(), "");
  std::string deep;
  for (int i = 0; i < 1000; ++i) {
    const std::string boundary = std::to_string(i) + "b";
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
  }
  EXPECT_EQ(with(deep + "\r\ntext").text(), "");
}

}  // namespace
}  // namespace tocsin::inbox
