// What a peer's certificate must be, and which code says that it is not. Pure: no I/O; the time is OpenSSL's.
#pragma once

#include "plugins/services/secure_connection/certificate.hpp"
#include "plugins/services/secure_connection/failure.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tocsin::secure_connection {

enum class security_mode { off, starttls, implicit };
enum class revocation_policy { off, staple, soft, hard };

// "auto" is implicit at port 465 and starttls elsewhere. Nothing: not one of auto, starttls, implicit, off.
std::optional<security_mode> resolve_mode(std::string_view secure_connection, std::uint16_t port);

// A host as it is looked up, sent as SNI and compared: lower case, A-labels (IDNA 2008), no final dot; an address
// without brackets. The failure's detail says what is wrong with the text.
result<std::string> canonical_host(std::string_view host);

// True for an IPv4 or IPv6 address (a zone such as %eth0 may follow).
bool is_address(const std::string& host);

struct certificate_policy {
  std::string expected_name;  // canonical_host()
  std::span<const std::array<std::uint8_t, 32>> pins;
  bool pin_only = false;
  std::string trust;  // in words, for messages: "the system's CA certificates"
};

// RFC 9525: the subject alternative names alone count, never the CN; a wildcard stands for the whole left-most label;
// an address matches an address entry only.
bool name_matches(X509* certificate, const std::string& expected_name);

// Judges the peer's certificate in `context`, which has the chain that the peer sent, the trust anchors and the time.
// Nothing: it is good. With pins, one of the verified chain's keys must be among them; with pin_only the leaf's key
// must be, and chain, dates and name do not count, since the pin itself says which server it is (as RFC 7672 has it for
// DANE-EE).
std::optional<failure> judge_certificate(X509_STORE_CTX* context, const certificate_policy& policy);

// The codes for X509_verify_cert()'s verdict: CERT_EXPIRED ... CERT_UNSUITABLE.
std::string_view code_of_verify_result(int verify_result);

// Still within its dates? For a resumed session, whose certificate is not sent again.
std::optional<failure> judge_dates(X509* certificate);

}  // namespace tocsin::secure_connection
