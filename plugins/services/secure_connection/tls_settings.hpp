// The part of an endpoint's settings that a stream needs, as checked values with their files read.
#pragma once

#include "plugins/services/secure_connection/failure.hpp"
#include "plugins/services/secure_connection/tls_policy.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::secure_connection {

struct named_content {
  std::string path;  // as the settings name it
  std::string content;
};

struct tls_settings {
  // PEM certificates that alone are trusted, instead of the system's store; an empty path: the system's store. An
  // intermediate CA or the server's own certificate in it is an anchor as good as a root.
  named_content ca_file;
  std::string server_name;       // for SNI and the name check instead of the host; A-labels or an address
  int minimum_version = 0x0303;  // as OpenSSL counts: 0x0303 is TLS 1.2, 0x0304 TLS 1.3
  revocation_policy revocation = revocation_policy::soft;
  std::vector<named_content> crl_files;            // PEM or DER
  std::vector<std::array<std::uint8_t, 32>> pins;  // SHA-256 of a SubjectPublicKeyInfo
  bool pin_only = false;                           // the pins instead of chain, dates and name
  named_content client_certificate;                // PEM, the leaf first; an empty path: none
  named_content client_key;                        // PEM
};

struct stream_settings {
  std::string host;  // lower-case A-labels, or an address without brackets
  std::uint16_t port = 0;
  security_mode mode = security_mode::starttls;
  tls_settings tls;
  std::chrono::milliseconds connect_timeout{30000};  // name look-up, TCP and TLS together; never 0

  // What the certificate must be for.
  const std::string& expected_name() const { return tls.server_name.empty() ? host : tls.server_name; }
};

// The value of a secret's handle, or a failure with the reason as its detail.
using secret_reader = std::function<result<std::string>(std::uint64_t handle)>;
// A file's content, or a failure with the system's words as its detail.
using file_reader = std::function<result<std::string>(const std::string& path)>;

result<std::string> read_file(const std::string& path);

// From the JSON of tocsin_endpoint.settings; missing keys take the contract's defaults, keys of others are passed over.
// A failure's code is SETTINGS_INVALID, its detail begins with the key: "tls.ca_file: ...".
result<stream_settings> read_settings(std::string_view json, const secret_reader& secrets,
                                      const file_reader& files = read_file);

}  // namespace tocsin::secure_connection
