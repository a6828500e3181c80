// A certificate's facts as values, and the owners of OpenSSL's objects.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace tocsin::secure_connection {

template <auto Free>
struct openssl_delete {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using ssl_context_ptr = std::unique_ptr<SSL_CTX, openssl_delete<SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, openssl_delete<SSL_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, openssl_delete<SSL_SESSION_free>>;
using bio_ptr = std::unique_ptr<BIO, openssl_delete<BIO_free_all>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_delete<EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, openssl_delete<X509_free>>;
using crl_ptr = std::unique_ptr<X509_CRL, openssl_delete<X509_CRL_free>>;
using store_ptr = std::unique_ptr<X509_STORE, openssl_delete<X509_STORE_free>>;
using store_context_ptr = std::unique_ptr<X509_STORE_CTX, openssl_delete<X509_STORE_CTX_free>>;

// All texts are safe to print on one line.
struct certificate_facts {
  std::string subject;             // RFC 2253
  std::string issuer;              // RFC 2253
  std::vector<std::string> names;  // its subject alternative names: DNS names and addresses
  std::string not_before;          // 2026-01-31T12:00:00Z
  std::string not_after;
  std::string sha256;  // of the certificate, lower-case hex
};

certificate_facts facts_of(X509* certificate);

// SHA-256 of the SubjectPublicKeyInfo; nothing if the certificate has no readable one.
std::optional<std::array<std::uint8_t, 32>> key_pin(X509* certificate);
std::string base64(const std::array<std::uint8_t, 32>& bytes);

// Asks for a stapled OCSP answer (RFC 7633, "must staple").
bool must_staple(X509* certificate);

// PEM certificates, in their order; empty if there is none or one is broken.
std::vector<x509_ptr> certificates_of_pem(std::string_view pem);

// The newest of OpenSSL's words on this thread, in short, or `otherwise`; clears the rest.
std::string openssl_words(std::string_view otherwise);

}  // namespace tocsin::secure_connection
