// Certificates of every good and bad kind, CRLs and OCSP answers, made as a test asks for them.
#pragma once

#include "plugins/services/secure_connection/certificate.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tocsin::secure_connection::testing {

struct key_pair {
  x509_ptr certificate;
  key_ptr key;
  std::string certificate_pem() const;
  std::string key_pem() const;
};

struct certificate_spec {
  std::string common_name = "mail.example.org";
  std::string alternative_names = "DNS:mail.example.org";  // as OpenSSL's configuration has it; empty: none
  std::int64_t valid_from_s = -3600;                       // relative to now
  std::int64_t valid_until_s = 86400;
  std::string basic_constraints = "critical,CA:FALSE";
  std::string key_usage = "critical,digitalSignature,keyEncipherment";
  std::string extended_key_usage = "serverAuth";  // empty: none
  std::string name_constraints;
  bool must_staple = false;
  int rsa_bits = 0;         // 0: EC P-256
  bool md_sha1 = false;     // signed with SHA-1
  std::int64_t serial = 0;  // 0: the next one
};

// By `issuer`, or by itself where that is null.
key_pair make_certificate(const certificate_spec& spec, const key_pair* issuer);
key_pair make_authority(const std::string& common_name, const key_pair* issuer = nullptr);

// A CRL of issuer's that lists `revoked`, in PEM.
std::string make_crl(const key_pair& issuer, const std::vector<const key_pair*>& revoked,
                     std::int64_t next_update_s = 86400);

enum class ocsp_status { good, revoked, unknown };
struct ocsp_spec {
  ocsp_status status = ocsp_status::good;
  std::int64_t this_update_s = -60;
  std::int64_t next_update_s = 3600;  // 0: none
};
// A DER OCSPResponse about `subject`, signed by `signer`, whose certificate is in it.
std::string make_ocsp_answer(const key_pair& subject, const key_pair& issuer, const key_pair& signer,
                             const ocsp_spec& spec = {});

}  // namespace tocsin::secure_connection::testing
