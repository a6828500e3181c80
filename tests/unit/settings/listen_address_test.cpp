// Addresses to listen at: which are taken, and why others are not.
#include "core/settings/listen_address.hpp"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(Address, TakesLoopbackAndSocketFiles) {
  for (const char* text : {"127.0.0.1:8480", "127.0.0.2:0", "[::1]:65535", "unix:/run/tocsin.sock", "unix:relative"}) {
    const auto parsed = parse_host_address(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(text, to_text(*parsed));
  }
  EXPECT_EQ("127.0.0.1:80", to_text(*parse_host_address("localhost:80")));
}

TEST(Address, RefusesEverythingElseAndSaysWhy) {
  for (const std::string& text :
       {std::string(""), std::string("8480"), std::string("127.0.0.1"), std::string("127.0.0.1:"),
        std::string("127.0.0.1:65536"), std::string("127.0.0.1:80x"), std::string("127.0.0.1:-1"),
        std::string("0.0.0.0:80"), std::string("192.168.1.1:80"), std::string("[::]:80"), std::string("::1:80"),
        std::string("[127.0.0.1]:80"), std::string("example.org:80"), std::string("unix:"),
        "unix:/" + std::string(200, 'x')}) {
    const auto parsed = parse_host_address(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ("SETTINGS_INVALID", parsed.error().code);
    EXPECT_EQ("http.listen", parsed.error().place.key);
    EXPECT_FALSE(parsed.error().what.empty());
  }
}

TEST(Address, IsCheckedInTheSettingsAsTheListenerReadsIt) {
  EXPECT_EQ("unix:/srv/api", *check_listen_address("unix:api", "/srv"));
  EXPECT_EQ("localhost:80", *check_listen_address("localhost:80", "/srv"));
  for (const std::string& text : {std::string("::1:8480"), std::string("[127.0.0.1]:80"), std::string("unix:"),
                                  std::string("[localhost]:80"), "unix:" + std::string(104, 'x')}) {
    const auto checked = check_listen_address(text, "/srv");
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ("SETTINGS_INVALID", checked.error().code);
  }
}

}  // namespace
}  // namespace tocsin
