// Settings as the host hands them over, and what is said of wrong ones.
#include "plugins/services/secure_connection/tls_settings.hpp"
#include "plugins/services/secure_connection/tls_context.hpp"
#include "unit/secure_connection/test_certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace tocsin::secure_connection::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsSettings : public ::testing::Test {
 protected:
  std::map<std::string, std::string> files_;
  std::map<std::uint64_t, std::string> secrets_;

  result<stream_settings> read(const std::string& json) {
    return read_settings(
        json,
        [this](std::uint64_t handle) -> result<std::string> {
          if (!secrets_.contains(handle)) return failure{"settings", "SETTINGS_INVALID", "no such secret"};
          return secrets_[handle];
        },
        [this](const std::string& path) -> result<std::string> {
          if (!files_.contains(path)) return failure{"settings", "SETTINGS_INVALID", "No such file or directory"};
          return files_[path];
        });
  }
  std::string fault(const std::string& json) {
    const auto settings = read(json);
    if (settings) return "accepted";
    EXPECT_EQ(settings.error().code, "SETTINGS_INVALID");
    return settings.error().detail;
  }
  // The fault of settings whose tls table is this.
  std::string tls_fault(const std::string& tls) { return fault(R"({"host":"h","port":587,"tls":)" + tls + "}"); }
};

TEST_F(TlsSettings, TakesTheContractsDefaults) {
  const auto settings = read(R"({"host":"Mail.example.org","port":587})");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->host, "mail.example.org");
  EXPECT_EQ(settings->port, 587);
  EXPECT_EQ(settings->mode, security_mode::starttls);
  EXPECT_EQ(settings->tls.minimum_version, TLS1_2_VERSION);
  EXPECT_EQ(settings->tls.revocation, revocation_policy::soft);
  EXPECT_EQ(settings->connect_timeout, std::chrono::seconds(30));
  EXPECT_EQ(settings->expected_name(), "mail.example.org");
}

TEST_F(TlsSettings, PassesOverKeysOfOthersAndNulls) {
  EXPECT_TRUE(read(
      R"({"host":"h","port":25,"username":"x","limits":{"connections":8},"tls":{"ca_file":null,"client_key":null}})"));
}

TEST_F(TlsSettings, ReadsEveryKey) {
  files_["/ca.pem"] = "the CA";
  files_["/a.crl"] = "A";
  files_["/client.pem"] = "certificate";
  secrets_[7] = "key";
  const auto settings = read(R"({"host":"h","port":465,"secure_connection":"auto","tls":{"ca_file":"/ca.pem",
    "server_name":"Mail.Example.org","minimum_version":"1.3","revocation":"hard","crl_files":["/a.crl"],
    "pin_sha256":["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],"client_certificate":"/client.pem",
    "client_key":{"secret":7}},"timeouts":{"connect":1500}})");
  ASSERT_TRUE(settings) << settings.error().detail;
  EXPECT_EQ(settings->mode, security_mode::implicit);
  EXPECT_EQ(settings->tls.ca_file.content, "the CA");
  EXPECT_EQ(settings->expected_name(), "mail.example.org");
  EXPECT_EQ(settings->tls.minimum_version, TLS1_3_VERSION);
  EXPECT_EQ(settings->tls.revocation, revocation_policy::hard);
  ASSERT_EQ(settings->tls.crl_files.size(), 1u);
  EXPECT_EQ(settings->tls.crl_files[0].content, "A");
  ASSERT_EQ(settings->tls.pins.size(), 1u);
  EXPECT_EQ(settings->tls.pins[0][0], 0xe3);
  EXPECT_EQ(settings->tls.pins[0][31], 0x55);
  EXPECT_EQ(settings->tls.client_key.content, "key");
  EXPECT_EQ(settings->connect_timeout, std::chrono::milliseconds(1500));
}

TEST_F(TlsSettings, NamesTheKeyThatIsWrong) {
  EXPECT_THAT(fault("{"), StartsWith("the settings are no JSON"));
  EXPECT_THAT(fault("[]"), StartsWith("the settings are no JSON object"));
  EXPECT_THAT(fault(R"({"port":587})"), StartsWith("host: "));
  EXPECT_THAT(fault(R"({"host":"h"})"), StartsWith("port: "));
  EXPECT_THAT(fault(R"({"host":7,"port":587})"), StartsWith("host: must be a string"));
  EXPECT_THAT(fault(R"({"host":"h","port":65536})"), StartsWith("port: must be an integer from 1 to 65535"));
  EXPECT_THAT(fault(R"({"host":"h","port":0})"), StartsWith("port: "));
  EXPECT_THAT(fault(R"({"host":"h","port":587,"secure_connection":"tls"})"),
              StartsWith("secure_connection: \"tls\" is not one of auto, starttls, implicit, off"));
  EXPECT_THAT(fault(R"({"host":"h","port":587,"timeouts":{"connect":-1}})"), StartsWith("timeouts.connect: "));
  EXPECT_THAT(fault(R"({"host":"h","port":587,"timeouts":{"connect":0}})"),
              StartsWith("timeouts.connect: is 0, but there is no connecting without a limit"));
  EXPECT_THAT(tls_fault("7"), StartsWith("tls: must be a table"));
  EXPECT_THAT(tls_fault(R"({"minimum_version":"1.1"})"),
              StartsWith("tls.minimum_version: \"1.1\" is not one of 1.2, 1.3"));
  EXPECT_THAT(tls_fault(R"({"revocation":"maybe"})"), StartsWith("tls.revocation: \"maybe\" is not one of"));
  EXPECT_THAT(tls_fault(R"({"pin_only":"yes"})"), StartsWith("tls.pin_only: must be true or false"));
  EXPECT_THAT(tls_fault(R"({"crl_files":"/a"})"), StartsWith("tls.crl_files: must be an array of strings"));
  EXPECT_THAT(tls_fault(R"({"server_name":"a b"})"), StartsWith("tls.server_name: "));
}

TEST_F(TlsSettings, NamesTheFileThatCannotBeRead) {
  EXPECT_EQ(tls_fault(R"({"ca_file":"/none.pem"})"),
            "tls.ca_file: /none.pem cannot be read: No such file or directory");
  EXPECT_THAT(tls_fault(R"({"crl_files":["/none.crl"]})"), StartsWith("tls.crl_files: /none.crl cannot be read"));
}

TEST_F(TlsSettings, SaysWhyASecretKeyCannotBeRead) {
  files_["/client.pem"] = "certificate";
  EXPECT_EQ(tls_fault(R"({"client_certificate":"/client.pem","client_key":{"secret":9}})"),
            "tls.client_key: the secret cannot be read: no such secret");
}

TEST_F(TlsSettings, WantsCertificateAndKeyTogether) {
  files_["/client.pem"] = "x";
  EXPECT_THAT(tls_fault(R"({"client_certificate":"/client.pem"})"), StartsWith("tls.client_certificate: "));
  EXPECT_THAT(tls_fault(R"({"client_key":"/client.pem"})"), StartsWith("tls.client_key: "));
}

TEST_F(TlsSettings, RefusesPinsThatAreNone) {
  EXPECT_THAT(tls_fault(R"({"pin_sha256":["abc"]})"), StartsWith("tls.pin_sha256: \"abc\" is not the base64"));
  EXPECT_THAT(tls_fault(R"({"pin_sha256":["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSu*U="]})"),
              StartsWith("tls.pin_sha256: "));
}

TEST_F(TlsSettings, RefusesPinOnlyWithoutAPin) {
  EXPECT_THAT(tls_fault(R"({"pin_only":true})"), StartsWith("tls.pin_only: "));
}

TEST_F(TlsSettings, RefusesHardRevocationThatPinOnlyCouldNeverMeet) {
  EXPECT_THAT(
      tls_fault(
          R"({"pin_only":true,"revocation":"hard","pin_sha256":["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]})"),
      StartsWith("tls.revocation: "));
}

TEST_F(TlsSettings, SaysWhatAFileShouldHaveHeld) {
  const key_pair one = make_certificate({}, nullptr);
  const key_pair other = make_certificate({}, nullptr);
  system_trust system;
  const auto fault_of = [&](const std::function<void(tls_settings&)>& change) {
    stream_settings settings;
    settings.host = "h";
    change(settings.tls);
    const auto made = tls_context::make(settings, system);
    return made ? std::string("accepted") : made.error().detail;
  };
  EXPECT_EQ(fault_of([](tls_settings&) {}), "accepted");
  EXPECT_THAT(fault_of([](tls_settings& tls) {
                tls.ca_file = {"ca.pem", "nothing"};
              }),
              StartsWith("tls.ca_file: ca.pem holds no readable PEM certificate"));
  EXPECT_THAT(fault_of([&](tls_settings& tls) {
                tls.ca_file = {
                    "ca.pem", one.certificate_pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
              }),
              StartsWith("tls.ca_file: ca.pem holds no readable"))
      << "one of two is broken";
  EXPECT_THAT(fault_of([](tls_settings& tls) {
                tls.crl_files = {{"a.crl", "nothing"}};
              }),
              StartsWith("tls.crl_files: a.crl holds no readable CRL"));
  EXPECT_THAT(fault_of([&](tls_settings& tls) {
                tls.client_certificate = {"c.pem", one.certificate_pem()};
                tls.client_key = {"c.key", other.key_pem()};
              }),
              HasSubstr("c.key is not the key of tls.client_certificate"));
  EXPECT_THAT(fault_of([&](tls_settings& tls) {
                tls.client_certificate = {"c.pem", one.certificate_pem()};
                tls.client_key = {"c.key", "nothing"};
              }),
              HasSubstr("c.key holds no readable PEM key"));
}

TEST(ReadFile, ReadsRegularFilesOnly) {
  EXPECT_FALSE(read_file("/"));
  EXPECT_FALSE(read_file("/dev/zero"));
  EXPECT_EQ(read_file("/no/such/file").error().detail, "No such file or directory");
}

}  // namespace
}  // namespace tocsin::secure_connection::testing
