// Judges certificates: OpenSSL builds and verifies the chain, this file says what the verdict means.
#include "plugins/services/secure_connection/tls_policy.hpp"

#include <algorithm>
#include <cctype>
#include <memory>

#include <idn2.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace tocsin::secure_connection {
namespace {

constexpr unsigned name_flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

std::string without_zone(const std::string& host) { return host.substr(0, host.find('%')); }

failure certificate_failure(std::string_view code, std::string detail) {
  return failure{"certificate", std::string(code), std::move(detail)};
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string who(const certificate_facts& facts) {
  return "subject " + quoted(facts.subject) + ", issuer " + quoted(facts.issuer);
}

std::string validity(const certificate_facts& facts) {
  return "valid from " + facts.not_before + " to " + facts.not_after;
}

// "the server's certificate" or, further up the chain, whose it is.
std::string which(const certificate_facts& facts, int depth) {
  if (depth <= 0) return "the server's certificate (" + who(facts) + ")";
  return "the certificate of an issuer in the server's chain (" + who(facts) + ")";
}

std::string names_found(const certificate_facts& facts) {
  constexpr std::size_t shown = 8;
  if (facts.names.empty()) return "no subject alternative name at all (its CN does not count)";
  std::string text;
  for (std::size_t at = 0; at < std::min(shown, facts.names.size()); ++at) {
    text += (at == 0 ? "" : ", ") + facts.names[at];
  }
  if (facts.names.size() > shown) text += " and " + std::to_string(facts.names.size() - shown) + " more";
  return text;
}

failure name_mismatch(X509* leaf, const certificate_policy& policy) {
  const certificate_facts facts = facts_of(leaf);
  return certificate_failure("CERT_NAME_MISMATCH", "the certificate is for " + names_found(facts) + "; expected " +
                                                       policy.expected_name + " (" + who(facts) + ")");
}

failure chain_failure(X509_STORE_CTX* context, int verify_result, const certificate_policy& policy) {
  X509* current = X509_STORE_CTX_get_current_cert(context);
  if (current == nullptr) current = X509_STORE_CTX_get0_cert(context);
  const int depth = X509_STORE_CTX_get_error_depth(context);
  const certificate_facts facts = facts_of(current);
  const std::string_view code = code_of_verify_result(verify_result);
  const std::string words = X509_verify_cert_error_string(verify_result);
  if (code == "CERT_EXPIRED") return certificate_failure(code, which(facts, depth) + " expired at " + facts.not_after);
  if (code == "CERT_NOT_YET_VALID") {
    return certificate_failure(code, which(facts, depth) + " is not valid before " + facts.not_before);
  }
  if (code == "CERT_SELF_SIGNED") {
    return certificate_failure(code, "the server's certificate (subject " + quoted(facts.subject) + ", " +
                                         validity(facts) + ") is signed by itself and is not in " + policy.trust);
  }
  if (code == "CERT_UNKNOWN_ISSUER") {
    return certificate_failure(code, which(facts, depth) + " leads to no issuer in " + policy.trust + ": " + words);
  }
  return certificate_failure(code, which(facts, depth) + " is not fit for a server here: " + words);
}

bool pinned(X509* certificate, const certificate_policy& policy) {
  const auto pin = key_pin(certificate);
  return pin && std::find(policy.pins.begin(), policy.pins.end(), *pin) != policy.pins.end();
}

failure pin_mismatch(X509* leaf, std::string_view where) {
  const certificate_facts facts = facts_of(leaf);
  const auto pin = key_pin(leaf);
  return certificate_failure("CERT_PIN_MISMATCH", "none of tls.pin_sha256 is the key of " + std::string(where) +
                                                      "; the server's key has the pin " +
                                                      (pin ? base64(*pin) : std::string("(unreadable)")) + " (" +
                                                      who(facts) + ", " + validity(facts) + ")");
}

}  // namespace

std::optional<security_mode> resolve_mode(std::string_view secure_connection, std::uint16_t port) {
  if (secure_connection == "auto") return port == 465 ? security_mode::implicit : security_mode::starttls;
  if (secure_connection == "starttls") return security_mode::starttls;
  if (secure_connection == "implicit") return security_mode::implicit;
  if (secure_connection == "off") return security_mode::off;
  return std::nullopt;
}

bool is_address(const std::string& host) {
  const std::unique_ptr<ASN1_OCTET_STRING, openssl_delete<ASN1_OCTET_STRING_free>> address(
      a2i_IPADDRESS(without_zone(host).c_str()));
  return address != nullptr;
}

result<std::string> canonical_host(std::string_view host) {
  const auto fail = [&](const std::string& why) {
    return result<std::string>(failure{"settings", "SETTINGS_INVALID", "\"" + printable(host) + "\" " + why});
  };
  std::string text(host);
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  if (is_address(text)) return text;
  if (text.size() > 1 && text.back() == '.') text.pop_back();
  if (text.empty()) return fail("is no host name");
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
  if (!ascii) {
    if (text.find('\0') != std::string::npos) return fail("is no host name: it contains a NUL");
    char* labels = nullptr;
    const int status = idn2_to_ascii_8z(text.c_str(), &labels, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (status != IDN2_OK) return fail(std::string("is no host name: ") + idn2_strerror(status));
    text = labels;
    idn2_free(labels);
  }
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_'; };
  if (text.size() > 253 || text.front() == '.' || text.find("..") != std::string::npos ||
      !std::all_of(text.begin(), text.end(), allowed)) {
    return fail("is no host name: letters, digits, hyphens and dots make one, 253 at most");
  }
  return text;
}

bool name_matches(X509* certificate, const std::string& expected_name) {
  if (is_address(expected_name)) {
    return X509_check_ip_asc(certificate, without_zone(expected_name).c_str(), name_flags) == 1;
  }
  if (expected_name.empty() || expected_name.front() == '.') return false;  // OpenSSL: any name below it
  return X509_check_host(certificate, expected_name.data(), expected_name.size(), name_flags, nullptr) == 1;
}

std::string_view code_of_verify_result(int verify_result) {
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "CERT_EXPIRED";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "CERT_NOT_YET_VALID";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "CERT_SELF_SIGNED";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    // A trusted issuer bears the right name, but its key did not sign this: another CA of the same name did.
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "CERT_UNKNOWN_ISSUER";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "CERT_NAME_MISMATCH";
    default:
      return "CERT_UNSUITABLE";
  }
}

std::optional<failure> judge_certificate(X509_STORE_CTX* context, const certificate_policy& policy) {
  X509* leaf = X509_STORE_CTX_get0_cert(context);
  if (leaf == nullptr) return certificate_failure("CERT_UNSUITABLE", "the server showed no certificate");
  if (policy.pin_only) {
    if (pinned(leaf, policy)) return std::nullopt;
    return pin_mismatch(leaf, "the server's certificate");
  }
  if (X509_verify_cert(context) != 1) {
    const int verify_result = X509_STORE_CTX_get_error(context);
    // Not even tried, for want of memory or of sense: no certificate passes by that.
    if (verify_result == X509_V_OK) return certificate_failure("CERT_UNSUITABLE", "the chain could not be verified");
    return chain_failure(context, verify_result, policy);
  }
  if (!name_matches(leaf, policy.expected_name)) {
    X509_STORE_CTX_set_error(context, X509_V_ERR_HOSTNAME_MISMATCH);
    return name_mismatch(leaf, policy);
  }
  if (!policy.pins.empty()) {
    const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
    bool found = false;
    for (int at = 0; at < sk_X509_num(chain); ++at) found = found || pinned(sk_X509_value(chain, at), policy);
    if (!found) return pin_mismatch(leaf, "any certificate in its chain");
  }
  return std::nullopt;
}

std::optional<failure> judge_dates(X509* certificate) {
  const certificate_facts facts = facts_of(certificate);
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0) {
    return certificate_failure("CERT_EXPIRED", which(facts, 0) + " expired at " + facts.not_after);
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0) {
    return certificate_failure("CERT_NOT_YET_VALID", which(facts, 0) + " is not valid before " + facts.not_before);
  }
  return std::nullopt;
}

}  // namespace tocsin::secure_connection
