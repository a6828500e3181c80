// Reads a certificate's facts with OpenSSL.
#include "plugins/services/secure_connection/certificate.hpp"

#include "plugins/services/secure_connection/failure.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <cstdio>

namespace tocsin::secure_connection {
namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string text_of(const X509_NAME* name) {
  bio_ptr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr) return {};
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  return printable(text_of(bio.get()), 250);
}

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  char text[32];
  if (std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) return "an unreadable date";
  return text;
}

std::string text_of_address(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN];
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return "an unreadable address";
  return inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text) == nullptr ? "an unreadable address"
                                                                                         : text;
}

std::vector<std::string> alternative_names(X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, openssl_delete<GENERAL_NAMES_free>> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (all == nullptr) return names;
  for (int at = 0; at < sk_GENERAL_NAME_num(all.get()); ++at) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), at);
    if (name->type == GEN_DNS) {
      names.push_back(printable({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                                 static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))},
                                255));
    } else if (name->type == GEN_IPADD) {
      names.push_back(text_of_address(name->d.iPAddress));
    }
  }
  return names;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    char escaped[8];
    std::string_view next(&character, 1);
    if (byte < 0x20 || byte >= 0x7f) {
      const char* name = byte == '\r' ? "\\r" : byte == '\n' ? "\\n" : nullptr;
      if (name == nullptr) {
        std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
        name = escaped;
      }
      next = name;
    }
    if (out.size() + next.size() > limit) return out + "...";
    out += next;
  }
  return out;
}

certificate_facts facts_of(X509* certificate) {
  certificate_facts facts;
  facts.subject = text_of(X509_get_subject_name(certificate));
  facts.issuer = text_of(X509_get_issuer_name(certificate));
  facts.names = alternative_names(certificate);
  facts.not_before = text_of(X509_get0_notBefore(certificate));
  facts.not_after = text_of(X509_get0_notAfter(certificate));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) == 1) {
    for (unsigned at = 0; at < size; ++at) {
      char pair[3];
      std::snprintf(pair, sizeof pair, "%02x", digest[at]);
      facts.sha256 += pair;
    }
  }
  return facts;
}

std::optional<std::array<std::uint8_t, 32>> key_pin(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return std::nullopt;
  std::array<std::uint8_t, 32> pin{};
  SHA256(der, static_cast<std::size_t>(size), pin.data());
  OPENSSL_free(der);
  return pin;
}

std::string base64(const std::array<std::uint8_t, 32>& bytes) {
  unsigned char text[48];
  const int size = EVP_EncodeBlock(text, bytes.data(), static_cast<int>(bytes.size()));
  return std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
}

bool must_staple(X509* certificate) {
  constexpr long status_request = 5;  // RFC 6066
  const std::unique_ptr<TLS_FEATURE, openssl_delete<TLS_FEATURE_free>> features(
      static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate, NID_tlsfeature, nullptr, nullptr)));
  if (features == nullptr) return false;
  for (int at = 0; at < sk_ASN1_INTEGER_num(features.get()); ++at) {
    if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features.get(), at)) == status_request) return true;
  }
  return false;
}

std::vector<x509_ptr> certificates_of_pem(std::string_view pem) {
  std::vector<x509_ptr> all;
  bio_ptr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) return all;
  ERR_clear_error();
  while (x509_ptr next{PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)}) all.push_back(std::move(next));
  // The end of the text is the one good reason to stop.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) all.clear();
  ERR_clear_error();
  return all;
}

std::string openssl_words(std::string_view otherwise) {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string words = reason == nullptr ? std::string(otherwise) : std::string(reason);
  ERR_clear_error();
  return words;
}

}  // namespace tocsin::secure_connection
