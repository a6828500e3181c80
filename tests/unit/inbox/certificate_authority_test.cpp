// SPDX-License-Identifier: Apache-2.0
// What the inbox's certificate authority issues, judged by OpenSSL's own verification.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <tocsin/inbox/inbox.hpp>
#include <utility>

namespace tocsin::inbox {
namespace {

struct openssl_free {
  void operator()(X509* it) const { X509_free(it); }
  void operator()(EVP_PKEY* it) const { EVP_PKEY_free(it); }
  void operator()(BIO* it) const { BIO_free(it); }
  void operator()(X509_STORE* it) const { X509_STORE_free(it); }
  void operator()(X509_STORE_CTX* it) const { X509_STORE_CTX_free(it); }
};
template <typename T>
using owned = std::unique_ptr<T, openssl_free>;

owned<BIO> reading(const std::string& pem) {
  return owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

owned<X509> certificate(const std::string& pem) {
  return owned<X509>(PEM_read_bio_X509(reading(pem).get(), nullptr, nullptr, nullptr));
}

// The verdict of a TLS client that trusts authority_pem alone and expects name.
int verdict(const std::string& certificate_pem, const std::string& authority_pem, const std::string& name,
            int purpose = X509_PURPOSE_SSL_SERVER) {
  const auto leaf = certificate(certificate_pem);
  const auto authority = certificate(authority_pem);
  const owned<X509_STORE> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), authority.get());
  const owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(parameters, purpose);
  if (name.find_first_not_of("0123456789.") == std::string::npos) {
    X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size());
  }
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

TEST(CertificateAuthority, IssuesACertificateThatAStrictClientAcceptsForEachOfItsNames) {
  const certificate_authority authority;
  const auto issued = authority.issue({});
  EXPECT_EQ(verdict(issued.certificate_pem, authority.certificate_pem(), "localhost"), X509_V_OK);
  EXPECT_EQ(verdict(issued.certificate_pem, authority.certificate_pem(), "127.0.0.1"), X509_V_OK);
}

TEST(CertificateAuthority, BindsTheCertificateToItsNames) {
  const certificate_authority authority;
  const auto issued = authority.issue({.dns_names = {"mail.example.org"}, .ip_addresses = {}});
  EXPECT_EQ(verdict(issued.certificate_pem, authority.certificate_pem(), "mail.example.org"), X509_V_OK);
  EXPECT_EQ(verdict(issued.certificate_pem, authority.certificate_pem(), "localhost"), X509_V_ERR_HOSTNAME_MISMATCH);
  EXPECT_EQ(verdict(issued.certificate_pem, authority.certificate_pem(), "127.0.0.1"), X509_V_ERR_IP_ADDRESS_MISMATCH);
}

TEST(CertificateAuthority, IssuesWithoutAlternativeNamesWhenNoneAreAskedFor) {
  const certificate_authority authority;
  const auto issued = authority.issue({.dns_names = {}, .ip_addresses = {}, .common_name = "localhost"});
  EXPECT_EQ(X509_get_ext_by_NID(certificate(issued.certificate_pem).get(), NID_subject_alt_name, -1), -1);
}

TEST(CertificateAuthority, GivesTheKeyThatBelongsToTheCertificate) {
  const certificate_authority authority;
  const auto issued = authority.issue({});
  const owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(reading(issued.key_pem).get(), nullptr, nullptr, nullptr));
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(X509_check_private_key(certificate(issued.certificate_pem).get(), key.get()), 1);
}

TEST(CertificateAuthority, IssuesExpiredAndFutureCertificatesOnDemand) {
  const certificate_authority authority;
  const auto expired = authority.issue({.valid_from = std::chrono::hours{-48}, .valid_until = std::chrono::hours{-24}});
  EXPECT_EQ(verdict(expired.certificate_pem, authority.certificate_pem(), "localhost"), X509_V_ERR_CERT_HAS_EXPIRED);
  const auto future = authority.issue({.valid_from = std::chrono::hours{24}, .valid_until = std::chrono::hours{48}});
  EXPECT_EQ(verdict(future.certificate_pem, authority.certificate_pem(), "localhost"), X509_V_ERR_CERT_NOT_YET_VALID);
}

TEST(CertificateAuthority, IssuesSelfSignedCertificatesThatItDoesNotVouchFor) {
  const certificate_authority authority;
  const auto alone = authority.issue({.self_signed = true});
  EXPECT_EQ(verdict(alone.certificate_pem, authority.certificate_pem(), "localhost"),
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

TEST(CertificateAuthority, IsTrustedForItsOwnCertificatesOnly) {
  const certificate_authority authority;
  const certificate_authority stranger;
  const auto issued = stranger.issue({});
  EXPECT_NE(verdict(issued.certificate_pem, authority.certificate_pem(), "localhost"), X509_V_OK);
}

TEST(CertificateAuthority, LimitsTheUseOfACertificateAsAsked) {
  const certificate_authority authority;
  const auto client = authority.issue({.extended_key_usage = "clientAuth"});
  EXPECT_EQ(verdict(client.certificate_pem, authority.certificate_pem(), "localhost"), X509_V_ERR_INVALID_PURPOSE);
  EXPECT_EQ(verdict(client.certificate_pem, authority.certificate_pem(), "localhost", X509_PURPOSE_SSL_CLIENT),
            X509_V_OK);
}

TEST(CertificateAuthority, RefusesANameThatWouldAddAnother) {
  const certificate_authority authority;
  EXPECT_THROW(authority.issue({.dns_names = {"a.example,DNS:b.example"}}), std::runtime_error);
  EXPECT_THROW(authority.issue({.ip_addresses = {"not an address"}}), std::runtime_error);
}

TEST(CertificateAuthority, CanBeMoved) {
  certificate_authority first;
  const std::string pem = first.certificate_pem();
  const certificate_authority second(std::move(first));
  EXPECT_EQ(second.certificate_pem(), pem);
}

}  // namespace
}  // namespace tocsin::inbox
