// The pure parts of the policy: modes, names, verdicts.
#include "plugins/services/secure_connection/tls_policy.hpp"

#include <gtest/gtest.h>

namespace tocsin::secure_connection {
namespace {

TEST(TlsPolicy, ResolvesAutoByThePort) {
  EXPECT_EQ(resolve_mode("auto", 465), security_mode::implicit);
  EXPECT_EQ(resolve_mode("auto", 587), security_mode::starttls);
  EXPECT_EQ(resolve_mode("auto", 25), security_mode::starttls);
}

TEST(TlsPolicy, KeepsANamedModeAtAnyPort) {
  EXPECT_EQ(resolve_mode("starttls", 465), security_mode::starttls);
  EXPECT_EQ(resolve_mode("implicit", 587), security_mode::implicit);
  EXPECT_EQ(resolve_mode("off", 465), security_mode::off);
}

TEST(TlsPolicy, KnowsNoOtherMode) {
  EXPECT_FALSE(resolve_mode("", 587));
  EXPECT_FALSE(resolve_mode("Off", 587));
  EXPECT_FALSE(resolve_mode("opportunistic", 587));
}

TEST(TlsPolicy, BringsHostsIntoOneForm) {
  EXPECT_EQ(*canonical_host("Mail.Example.ORG"), "mail.example.org");
  EXPECT_EQ(*canonical_host("mail.example.org."), "mail.example.org");
  EXPECT_EQ(*canonical_host("localhost"), "localhost");
  EXPECT_EQ(*canonical_host("my_host.internal"), "my_host.internal");
  EXPECT_EQ(*canonical_host("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(*canonical_host("2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(*canonical_host("[2001:db8::7]"), "2001:db8::7");
  EXPECT_EQ(*canonical_host("fe80::1%eth0"), "fe80::1%eth0");
}

TEST(TlsPolicy, TurnsInternationalNamesIntoALabels) {
  EXPECT_EQ(*canonical_host("bücher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(*canonical_host("BÜCHER.example"), "xn--bcher-kva.example");
  EXPECT_EQ(*canonical_host("faß.example"), "xn--fa-hia.example") << "not fass.example: that is somebody else's";
  EXPECT_EQ(*canonical_host("bu\u0308cher.example"), "xn--bcher-kva.example") << "decomposed";
}

TEST(TlsPolicy, RefusesWhatIsNoHost) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "."sv, ".example.org"sv, "a..b"sv, "mail example"sv, "mail.example.org:25"sv, "smtp://mail"sv, "a\0b"sv,
        "bücher\0.example"sv, "mail\r\nQUIT"sv, "*.example.org"sv, "a/b"sv, "user@host"sv, "[]"sv}) {
    const auto host = canonical_host(text);
    EXPECT_FALSE(host.has_value()) << text;
    if (!host) {
      EXPECT_EQ(host.error().code, "SETTINGS_INVALID");
    }
  }
  EXPECT_FALSE(canonical_host(std::string(254, 'a')).has_value());
}

TEST(TlsPolicy, TellsAddressesFromNames) {
  EXPECT_TRUE(is_address("127.0.0.1"));
  EXPECT_TRUE(is_address("::1"));
  EXPECT_TRUE(is_address("fe80::1%eth0"));
  EXPECT_FALSE(is_address("127.0.0.1.example.org"));
  EXPECT_FALSE(is_address("localhost"));
}

TEST(TlsPolicy, HasACodeForEveryVerdict) {
  EXPECT_EQ(code_of_verify_result(X509_V_ERR_CERT_HAS_EXPIRED), "CERT_EXPIRED");
  EXPECT_EQ(code_of_verify_result(X509_V_ERR_CERT_NOT_YET_VALID), "CERT_NOT_YET_VALID");
  EXPECT_EQ(code_of_verify_result(X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT), "CERT_SELF_SIGNED");
  EXPECT_EQ(code_of_verify_result(X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN), "CERT_UNKNOWN_ISSUER");
  EXPECT_EQ(code_of_verify_result(X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY), "CERT_UNKNOWN_ISSUER");
  EXPECT_EQ(code_of_verify_result(X509_V_ERR_HOSTNAME_MISMATCH), "CERT_NAME_MISMATCH");
  EXPECT_EQ(code_of_verify_result(X509_V_ERR_EE_KEY_TOO_SMALL), "CERT_UNSUITABLE");
  EXPECT_EQ(code_of_verify_result(X509_V_ERR_INVALID_PURPOSE), "CERT_UNSUITABLE");
  for (int verdict = 1; verdict < 120; ++verdict) EXPECT_EQ(code_of_verify_result(verdict).substr(0, 5), "CERT_");
}

TEST(Printable, KeepsAForeignTextOnOneLine) {
  EXPECT_EQ(printable("250 ok\r\n\x01\xff"), "250 ok\\r\\n\\x01\\xff");
  EXPECT_EQ(printable("abcdef", 4), "abcd...");
}

}  // namespace
}  // namespace tocsin::secure_connection
