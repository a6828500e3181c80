// SPDX-License-Identifier: Apache-2.0
// The certificate authority for tests: EC P-256 keys, X.509 v3 certificates, all in memory, on OpenSSL.
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <stdexcept>
#include <string>
#include <tocsin/inbox/inbox.hpp>
#include <utility>

namespace tocsin::inbox {
namespace {

template <auto Free>
struct freed_by {
  template <typename T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;

constexpr std::chrono::seconds authority_lifetime{10L * 365 * 86400};

// OpenSSL's own words for what just failed, its queue emptied.
[[noreturn]] void fail(const std::string& what) {
  std::string message = "the inbox's certificate authority could not " + what;
  while (const unsigned long code = ERR_get_error()) {
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    message += ": ";
    message += text.data();
  }
  throw std::runtime_error(message);
}

template <typename T>
T checked(T value, const char* what) {
  if (!value) fail(what);
  return value;
}

key_ptr make_key() {
  return key_ptr(checked(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), "make an EC P-256 key"));
}

template <typename Write>
std::string to_pem(Write write) {
  const bio_ptr memory(checked(BIO_new(BIO_s_mem()), "allocate memory"));
  checked(write(memory.get()), "write PEM");
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  return to_pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

std::string pem_of(EVP_PKEY* key) {
  return to_pem([&](BIO* out) { return PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

void set_random_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  checked(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1, "draw a serial number");
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);  // positive, and of full length (RFC 5280 4.1.2.2)
  const number_ptr number(checked(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr), "make a number"));
  checked(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)), "set the serial number");
}

void set_validity(X509* certificate, std::chrono::seconds from, std::chrono::seconds until) {
  std::time_t now = std::time(nullptr);
  checked(X509_time_adj_ex(X509_getm_notBefore(certificate), 0, static_cast<long>(from.count()), &now),
          "set the first day");
  checked(X509_time_adj_ex(X509_getm_notAfter(certificate), 0, static_cast<long>(until.count()), &now),
          "set the last day");
}

void set_subject(X509* certificate, const std::string& common_name) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(common_name.data());
  checked(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, bytes,
                                     static_cast<int>(common_name.size()), -1, 0),
          "set the common name");
}

void add_extension(X509* certificate, X509* issuer, int which, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const extension_ptr extension(X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str()));
  if (!extension) fail(std::string("make the extension ") + OBJ_nid2sn(which) + " = " + value);
  checked(X509_add_ext(certificate, extension.get(), -1), "add an extension");
}

std::string subject_alternative_names(const certificate_authority::request& what) {
  std::string names;
  const auto add = [&names](const char* kind, const std::string& name) {
    if (name.find_first_of(",\r\n") != std::string::npos) {
      throw std::runtime_error("the name \"" + name + "\" cannot be in a certificate");
    }
    if (!names.empty()) names += ',';
    names += kind + name;
  };
  for (const auto& name : what.dns_names) add("DNS:", name);
  for (const auto& address : what.ip_addresses) add("IP:", address);
  return names;
}

certificate_ptr blank_certificate(EVP_PKEY* key, const std::string& common_name) {
  certificate_ptr certificate(checked(X509_new(), "allocate a certificate"));
  checked(X509_set_version(certificate.get(), X509_VERSION_3), "set the version");
  set_random_serial(certificate.get());
  set_subject(certificate.get(), common_name);
  checked(X509_set_pubkey(certificate.get(), key), "set the public key");
  return certificate;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* issuer_key) {
  checked(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)), "set the issuer");
  checked(X509_sign(certificate, issuer_key, EVP_sha256()), "sign a certificate");
}

}  // namespace

struct certificate_authority::impl {
  key_ptr key = make_key();
  certificate_ptr certificate;
};

certificate_authority::certificate_authority(const std::string& common_name) : impl_(std::make_unique<impl>()) {
  impl_->certificate = blank_certificate(impl_->key.get(), common_name);
  X509* own = impl_->certificate.get();
  set_validity(own, std::chrono::seconds{-86400}, authority_lifetime);
  add_extension(own, own, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(own, own, NID_subject_key_identifier, "hash");
  sign(own, own, impl_->key.get());
}

certificate_authority::~certificate_authority() = default;
certificate_authority::certificate_authority(certificate_authority&&) noexcept = default;

certificate_authority::issued certificate_authority::issue(const request& what) const {
  const key_ptr key = make_key();
  const certificate_ptr certificate = blank_certificate(key.get(), what.common_name);
  X509* made = certificate.get();
  X509* issuer = what.self_signed ? made : impl_->certificate.get();
  set_validity(made, what.valid_from, what.valid_until);
  add_extension(made, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(made, issuer, NID_key_usage, "critical,digitalSignature");
  if (!what.extended_key_usage.empty()) add_extension(made, issuer, NID_ext_key_usage, what.extended_key_usage);
  const std::string names = subject_alternative_names(what);
  if (!names.empty()) add_extension(made, issuer, NID_subject_alt_name, names);
  add_extension(made, issuer, NID_subject_key_identifier, "hash");
  if (!what.self_signed) add_extension(made, issuer, NID_authority_key_identifier, "keyid:always");
  sign(made, issuer, what.self_signed ? key.get() : impl_->key.get());
  return {pem_of(made), pem_of(key.get())};
}

std::string certificate_authority::certificate_pem() const { return pem_of(impl_->certificate.get()); }

}  // namespace tocsin::inbox
