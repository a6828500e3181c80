// Issues certificates, CRLs and OCSP answers with OpenSSL.
#include "unit/secure_connection/test_certificates.hpp"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <ctime>
#include <stdexcept>

namespace tocsin::secure_connection::testing {
namespace {

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("the test's certificates: ") + what);
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  require(extension != nullptr, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

key_ptr make_key(int rsa_bits) {
  key_ptr key(rsa_bits > 0 ? EVP_RSA_gen(static_cast<unsigned>(rsa_bits)) : EVP_EC_gen("P-256"));
  require(key != nullptr, "no key");
  return key;
}

}  // namespace

std::string key_pair::certificate_pem() const {
  const bio_ptr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate.get());
  return text_of(bio.get());
}

std::string key_pair::key_pem() const {
  const bio_ptr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio.get());
}

key_pair make_certificate(const certificate_spec& spec, const key_pair* issuer) {
  static std::atomic<std::int64_t> next_serial{1000};
  key_pair made{x509_ptr(X509_new()), make_key(spec.rsa_bits)};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), spec.serial != 0 ? spec.serial : next_serial++);
  const std::time_t now = std::time(nullptr);
  ASN1_TIME_set(X509_getm_notBefore(certificate), now + spec.valid_from_s);
  ASN1_TIME_set(X509_getm_notAfter(certificate), now + spec.valid_until_s);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
  X509* signer = issuer == nullptr ? certificate : issuer->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  add_extension(certificate, signer, NID_basic_constraints, spec.basic_constraints);
  add_extension(certificate, signer, NID_key_usage, spec.key_usage);
  add_extension(certificate, signer, NID_ext_key_usage, spec.extended_key_usage);
  add_extension(certificate, signer, NID_subject_alt_name, spec.alternative_names);
  add_extension(certificate, signer, NID_name_constraints, spec.name_constraints);
  add_extension(certificate, signer, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) add_extension(certificate, signer, NID_authority_key_identifier, "keyid");
  if (spec.must_staple) add_extension(certificate, signer, NID_tlsfeature, "status_request");
  EVP_PKEY* key = issuer == nullptr ? made.key.get() : issuer->key.get();
  require(X509_sign(certificate, key, spec.md_sha1 ? EVP_sha1() : EVP_sha256()) > 0, "not signed");
  return made;
}

key_pair make_authority(const std::string& common_name, const key_pair* issuer) {
  certificate_spec spec;
  spec.common_name = common_name;
  spec.alternative_names.clear();
  spec.basic_constraints = "critical,CA:TRUE";
  spec.key_usage = "critical,keyCertSign,cRLSign";
  spec.extended_key_usage.clear();
  return make_certificate(spec, issuer);
}

std::string make_crl(const key_pair& issuer, const std::vector<const key_pair*>& revoked, std::int64_t next_update_s) {
  const crl_ptr crl(X509_CRL_new());
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate.get()));
  const std::time_t now = std::time(nullptr);
  ASN1_TIME* time = ASN1_TIME_set(nullptr, now - 7200);
  X509_CRL_set1_lastUpdate(crl.get(), time);
  for (const key_pair* one : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate.get()));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(crl.get(), entry);
  }
  ASN1_TIME_set(time, now + next_update_s);
  X509_CRL_set1_nextUpdate(crl.get(), time);
  ASN1_TIME_free(time);
  X509_CRL_sort(crl.get());
  require(X509_CRL_sign(crl.get(), issuer.key.get(), EVP_sha256()) > 0, "CRL not signed");
  const bio_ptr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(bio.get(), crl.get());
  return text_of(bio.get());
}

std::string make_ocsp_answer(const key_pair& subject, const key_pair& issuer, const key_pair& signer,
                             const ocsp_spec& spec) {
  const std::time_t now = std::time(nullptr);
  OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
  OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), subject.certificate.get(), issuer.certificate.get());
  ASN1_TIME* this_update = ASN1_GENERALIZEDTIME_set(nullptr, now + spec.this_update_s);
  ASN1_TIME* next_update =
      spec.next_update_s == 0 ? nullptr : ASN1_GENERALIZEDTIME_set(nullptr, now + spec.next_update_s);
  const int status = spec.status == ocsp_status::good      ? V_OCSP_CERTSTATUS_GOOD
                     : spec.status == ocsp_status::revoked ? V_OCSP_CERTSTATUS_REVOKED
                                                           : V_OCSP_CERTSTATUS_UNKNOWN;
  OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_KEYCOMPROMISE, this_update, this_update, next_update);
  require(OCSP_basic_sign(basic, signer.certificate.get(), signer.key.get(), EVP_sha256(), nullptr, 0) == 1,
          "OCSP answer not signed");
  OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &der);
  std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  OCSP_CERTID_free(id);
  ASN1_TIME_free(this_update);
  ASN1_TIME_free(next_update);
  return out;
}

}  // namespace tocsin::secure_connection::testing
