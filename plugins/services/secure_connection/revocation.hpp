// Whether the certificates of a verified chain were revoked, as far as a stapled OCSP answer and local CRLs can say.
// Pure: no I/O, the time is given.
#pragma once

#include "plugins/services/secure_connection/certificate.hpp"
#include "plugins/services/secure_connection/failure.hpp"
#include "plugins/services/secure_connection/tls_policy.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tocsin::secure_connection {

struct revocation_input {
  revocation_policy policy = revocation_policy::soft;  // not off
  std::span<X509* const> chain;                        // verified: the leaf first, the trust anchor last
  std::span<const std::uint8_t> staple;                // a DER OCSPResponse; empty: none came
  std::span<const crl_ptr> crls;                       // the local ones; not looked at under staple
  std::int64_t now = 0;                                // Unix time in seconds
};

struct revocation_verdict {
  std::optional<failure> refusal;  // CERT_REVOKED or REVOCATION_UNKNOWN
  std::string detail;              // what was found; begins with REVOCATION_UNKNOWN where something was not checked
};

// The leaf by the staple, else by a local CRL; each issuer below the trust anchor by a local CRL (but under `staple`,
// which looks at the staple alone). What nothing in date speaks for is unknown, which refuses under hard; a leaf that
// asks for a staple and comes without a good one is refused under every policy.
revocation_verdict judge_revocation(const revocation_input& input);

// PEM (one or more) or DER; empty: not a CRL.
std::vector<crl_ptr> crls_of_file(std::string_view content);

}  // namespace tocsin::secure_connection
