// What a server offers.
#include "plugins/channels/smtp/protocol/capabilities.hpp"

#include <gtest/gtest.h>

namespace tocsin::smtp {
namespace {

capabilities read(std::string text) {
  reply ehlo;
  ehlo.code = 250;
  ehlo.text = std::move(text);
  return read_capabilities(ehlo);
}

TEST(Capabilities, AreReadWhateverTheirLetterCase) {
  const capabilities found =
      read("mx.example.org at your service\nPIPELINING\nsize 35882577\n8BitMime\nSTARTTLS\nSMTPUTF8\nAUTH plain LOGIN");
  EXPECT_EQ(found.server_name, "mx.example.org");
  EXPECT_TRUE(found.pipelining);
  EXPECT_TRUE(found.eight_bit_mime);
  EXPECT_TRUE(found.starttls);
  EXPECT_TRUE(found.smtputf8);
  EXPECT_EQ(found.size_limit, 35882577U);
  EXPECT_TRUE(found.offers("PLAIN"));
  EXPECT_TRUE(found.offers("LOGIN"));
  EXPECT_FALSE(found.offers("CRAM-MD5"));
}

TEST(Capabilities, TheOldFormOfAuthCountsAsWell) {
  const capabilities found = read("mx\nAUTH=LOGIN PLAIN\nAUTH LOGIN");
  EXPECT_EQ(found.mechanisms, (std::vector<std::string>{"LOGIN", "PLAIN"}));
}

TEST(Capabilities, ASizeThatIsNoNumberIsNoLimit) {
  EXPECT_EQ(read("mx\nSIZE").size_limit, 0U);
  EXPECT_EQ(read("mx\nSIZE many").size_limit, 0U);
  EXPECT_EQ(read("mx\nSIZE 99999999999999999999999").size_limit, 0U);
}

TEST(Capabilities, AreNoneInABareReply) {
  const capabilities found = read("mx.example.org");
  EXPECT_TRUE(found.lines.empty());
  EXPECT_FALSE(found.pipelining);
}

TEST(Capabilities, TheFirstLineIsAGreetingWhateverItSays) { EXPECT_FALSE(read("STARTTLS").starttls); }

}  // namespace
}  // namespace tocsin::smtp
