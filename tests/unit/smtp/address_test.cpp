// Envelope addresses.
#include "plugins/channels/smtp/protocol/address.hpp"

#include <gtest/gtest.h>

namespace tocsin::smtp {
namespace {

TEST(Address, TakesWhatMailUses) {
  for (const char* text :
       {"ops@example.org", "first.last+tag@sub.example.org", "root@localhost", "a!#$%&'*+-/=?^_`{|}~@example.org",
        "\"quoted local\"@example.org", "\"a\\\"b@c\"@example.org", "user@[192.0.2.1]", "user@[IPv6:2001:db8::1]",
        "svc@my_host.internal", "x@1.example"}) {
    const address_result parsed = parse_address(text);
    EXPECT_TRUE(parsed) << text << ": " << parsed.why;
    EXPECT_EQ(parsed.value.mailbox, text);
    EXPECT_FALSE(parsed.value.needs_smtputf8);
  }
}

TEST(Address, RefusesWhatCannotBeOne) {
  for (const std::string& text : std::vector<std::string>{"",
                                                          "ops",
                                                          "@example.org",
                                                          "ops@",
                                                          "a b@example.org",
                                                          "a@b@example.org",
                                                          ".a@example.org",
                                                          "a.@example.org",
                                                          "a..b@example.org",
                                                          "ops@example..org",
                                                          "ops@.example.org",
                                                          "ops@example.org.",
                                                          "ops@-a.org",
                                                          "ops@a-.org",
                                                          "Ops <ops@example.org>",
                                                          "<ops@example.org>",
                                                          "ops@exam ple.org",
                                                          "\"open@example.org",
                                                          "\"a\"b@example.org",
                                                          "ops@[300.1.1.1]",
                                                          "ops@[example]",
                                                          "ops@[1.2.3]",
                                                          "ops,root@example.org",
                                                          std::string(65, 'a') + "@example.org",
                                                          "a@" + std::string(64, 'b') + ".org",
                                                          "a@" + std::string(250, 'b'),
                                                          "ops@example.org>",
                                                          "ops@example.org\xff"}) {
    const address_result parsed = parse_address(text);
    EXPECT_FALSE(parsed) << text;
  }
}

TEST(Address, RefusesWhatCouldAddACommand) {
  EXPECT_FALSE(parse_address("ops@example.org>\r\nRCPT TO:<x@example.org"));
  EXPECT_FALSE(parse_address("\"a\r\nb\"@example.org"));
  EXPECT_FALSE(parse_address("ops@example.org\n"));
  EXPECT_FALSE(parse_address("ops\r@example.org"));
  EXPECT_FALSE(parse_address(std::string_view("o\0ps@example.org", 16)));
  EXPECT_FALSE(parse_address("a\tb@example.org"));
}

TEST(Address, CharactersWhoseLowByteIsALineBreakStayWhatTheyAre) {
  // U+760A and U+760D end in 0A and 0D; nothing here may narrow them.
  const address_result parsed = parse_address("\xe7\x98\x8a\xe7\x98\x8d@example.org");
  ASSERT_TRUE(parsed) << parsed.why;
  EXPECT_EQ(parsed.value.mailbox.find_first_of("\r\n"), std::string::npos);
  EXPECT_TRUE(parsed.value.needs_smtputf8);
}

TEST(Address, AnInternationalDomainBecomesALabels) {
  const address_result parsed = parse_address(
      "ops@b\xc3\xbc"
      "cher.example");
  ASSERT_TRUE(parsed) << parsed.why;
  EXPECT_EQ(parsed.value.mailbox, "ops@xn--bcher-kva.example");
  EXPECT_FALSE(parsed.value.needs_smtputf8);
}

TEST(Address, ADomainThatOnlyLooksInternationalIsCheckedAfterItsConversion) {
  // A full-width '>' and space must not come out of the mapping as ASCII ones.
  EXPECT_FALSE(
      parse_address("ops@ex\xef\xbc\x9e"
                    "ample.org"));
  EXPECT_FALSE(
      parse_address("ops@ex\xe3\x80\x80"
                    "ample.org"));
}

TEST(Address, OnlyANonAsciiLocalPartNeedsSmtputf8) {
  const address_result parsed = parse_address("j\xc3\xb6rg@example.org");
  ASSERT_TRUE(parsed) << parsed.why;
  EXPECT_TRUE(parsed.value.needs_smtputf8);
}

}  // namespace
TEST(Address, IsShownOnOneLineWhateverItIs) {
  EXPECT_EQ(shown_address("a@b\r\nBcc: c@d"), "\"a@b??Bcc: c@d\"");
  const std::string cut = shown_address(std::string(253, 'x') + "\xc3\xa9" + std::string(100, 'y'));
  EXPECT_EQ(cut, "\"" + std::string(253, 'x') + "...\"");
}

}  // namespace tocsin::smtp
