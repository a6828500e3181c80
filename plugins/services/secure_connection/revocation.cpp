// Judges stapled OCSP answers (RFC 6960) and local CRLs (RFC 5280).
#include "plugins/services/secure_connection/revocation.hpp"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <ctime>

namespace tocsin::secure_connection {
namespace {

constexpr std::int64_t clock_skew_s = 300;
// How long an answer counts that does not say when the next one is due.
constexpr std::int64_t age_without_next_update_s = 7 * 86400;

using ocsp_response_ptr = std::unique_ptr<OCSP_RESPONSE, openssl_delete<OCSP_RESPONSE_free>>;
using ocsp_basic_ptr = std::unique_ptr<OCSP_BASICRESP, openssl_delete<OCSP_BASICRESP_free>>;
using ocsp_id_ptr = std::unique_ptr<OCSP_CERTID, openssl_delete<OCSP_CERTID_free>>;

enum class status { good, revoked, unknown };

// The stack alone; the CRLs are others'.
struct free_stack {
  void operator()(STACK_OF(X509_CRL) * stack) const noexcept { sk_X509_CRL_free(stack); }
};

struct finding {
  status what = status::unknown;
  std::string why;  // of unknown and revoked
};

// The sign of (time - moment), or nothing for a broken time.
std::optional<int> compare(const ASN1_TIME* time, std::int64_t moment) {
  const int order = ASN1_TIME_cmp_time_t(time, static_cast<std::time_t>(moment));
  if (order == -2) return std::nullopt;
  return order;
}

bool in_date(const ASN1_GENERALIZEDTIME* this_update, const ASN1_GENERALIZEDTIME* next_update, std::int64_t now) {
  if (this_update == nullptr) return false;
  const auto begun = compare(this_update, now + clock_skew_s);
  if (!begun || *begun > 0) return false;
  if (next_update == nullptr) {
    const auto recent = compare(this_update, now - age_without_next_update_s);
    return recent && *recent >= 0;
  }
  const auto ends = compare(next_update, now - clock_skew_s);
  return ends && *ends >= 0;
}

// A store in which `issuer` alone is trusted, be it a root or not.
store_ptr store_of(X509* issuer, std::int64_t now, unsigned long more_flags) {
  store_ptr store(X509_STORE_new());
  if (store == nullptr || X509_STORE_add_cert(store.get(), issuer) != 1) return nullptr;
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN | more_flags);
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()), static_cast<std::time_t>(now));
  return store;
}

// The answer in `basic` that speaks of this very certificate, or null.
OCSP_SINGLERESP* answer_for(OCSP_BASICRESP* basic, X509* leaf, X509* issuer) {
  for (int at = 0; at < OCSP_resp_count(basic); ++at) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic, at);
    const OCSP_CERTID* id = OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT* algorithm = nullptr;
    OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, const_cast<OCSP_CERTID*>(id));
    const EVP_MD* digest = EVP_get_digestbyobj(algorithm);
    if (digest == nullptr) continue;
    const ocsp_id_ptr ours(OCSP_cert_to_id(digest, leaf, issuer));
    if (ours != nullptr && OCSP_id_cmp(ours.get(), id) == 0) return single;
  }
  return nullptr;
}

finding judge_staple(std::span<const std::uint8_t> staple, X509* leaf, X509* issuer, std::int64_t now) {
  if (staple.empty()) return {status::unknown, "the server stapled no OCSP answer"};
  const std::uint8_t* at = staple.data();
  const ocsp_response_ptr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(staple.size())));
  if (response == nullptr) return {status::unknown, "the stapled OCSP answer cannot be read"};
  if (OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return {status::unknown, std::string("the stapled OCSP answer is an error: ") +
                                 OCSP_response_status_str(OCSP_response_status(response.get()))};
  }
  const ocsp_basic_ptr basic(OCSP_response_get1_basic(response.get()));
  const store_ptr store = store_of(issuer, now, 0);
  if (basic == nullptr || store == nullptr) return {status::unknown, "the stapled OCSP answer cannot be read"};
  // Signed by the issuer, or by whom the issuer appointed to.
  if (OCSP_basic_verify(basic.get(), nullptr, store.get(), 0) != 1) {
    return {status::unknown,
            "the stapled OCSP answer is not signed for this issuer: " + openssl_words("no reason given")};
  }
  OCSP_SINGLERESP* single = answer_for(basic.get(), leaf, issuer);
  if (single == nullptr) return {status::unknown, "the stapled OCSP answer is about another certificate"};
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  int reason = -1;
  const int verdict = OCSP_single_get0_status(single, &reason, nullptr, &this_update, &next_update);
  if (!in_date(this_update, next_update, now)) return {status::unknown, "the stapled OCSP answer is not in date"};
  if (verdict == V_OCSP_CERTSTATUS_GOOD) return {status::good, {}};
  if (verdict == V_OCSP_CERTSTATUS_REVOKED) {
    return {status::revoked, std::string("the stapled OCSP answer says revoked") +
                                 (reason < 0 ? "" : std::string(", reason ") + OCSP_crl_reason_str(reason))};
  }
  return {status::unknown, "the issuer's OCSP answer does not know the certificate"};
}

// OpenSSL's own check of one certificate against its issuer and the CRLs: it minds signature, dates, scope and critical
// extensions of the CRL.
finding judge_crls(std::span<const crl_ptr> crls, X509* certificate, X509* issuer, std::int64_t now) {
  const auto unknown = [](std::string why) { return finding{status::unknown, std::move(why)}; };
  if (crls.empty()) return unknown("no local CRL is given");
  const store_ptr store = store_of(issuer, now, X509_V_FLAG_CRL_CHECK);
  const store_context_ptr context(X509_STORE_CTX_new());
  const std::unique_ptr<STACK_OF(X509_CRL), free_stack> stack(sk_X509_CRL_new_null());
  if (store == nullptr || context == nullptr || stack == nullptr) return unknown("out of memory");
  for (const crl_ptr& crl : crls) sk_X509_CRL_push(stack.get(), crl.get());
  if (X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr) != 1) return unknown("out of memory");
  X509_STORE_CTX_set0_crls(context.get(), stack.get());
  const int verified = X509_verify_cert(context.get());
  const int verify_result = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (verified == 1) return {status::good, {}};
  if (verify_result == X509_V_ERR_CERT_REVOKED) return {status::revoked, "a local CRL lists it"};
  if (verify_result == X509_V_ERR_UNABLE_TO_GET_CRL) return unknown("no local CRL is of its issuer");
  if (verify_result == X509_V_ERR_CRL_HAS_EXPIRED) return unknown("the local CRL of its issuer is out of date");
  return unknown(std::string("the local CRL of its issuer does not count: ") +
                 X509_verify_cert_error_string(verify_result));
}

std::string name(X509* certificate) {
  const certificate_facts facts = facts_of(certificate);
  return "\"" + facts.subject + "\" (issuer \"" + facts.issuer + "\")";
}

revocation_verdict refuse(std::string_view code, std::string detail) {
  revocation_verdict verdict;
  verdict.refusal = failure{"revocation", std::string(code), detail};
  verdict.detail = std::move(detail);
  return verdict;
}

}  // namespace

revocation_verdict judge_revocation(const revocation_input& input) {
  const bool only_staple = input.policy == revocation_policy::staple;
  if (input.chain.empty()) return refuse("REVOCATION_UNKNOWN", "there is no certificate to check");
  X509* leaf = input.chain[0];
  // A leaf that is itself the trust anchor (or is pinned) has no issuer here whose word could be checked.
  X509* leaf_issuer = input.chain.size() > 1 ? input.chain[1] : nullptr;

  finding by_staple{status::unknown, "no issuer of it is known here"};
  if (leaf_issuer != nullptr) by_staple = judge_staple(input.staple, leaf, leaf_issuer, input.now);
  if (by_staple.what == status::revoked) return refuse("CERT_REVOKED", name(leaf) + ": " + by_staple.why);
  if (by_staple.what != status::good && must_staple(leaf)) {
    return refuse("REVOCATION_UNKNOWN", name(leaf) + " demands a stapled OCSP answer (must-staple): " + by_staple.why);
  }

  std::string found;
  std::string unknown;
  const auto note = [](std::string& list, const std::string& text) { list += (list.empty() ? "" : "; ") + text; };
  // The anchor at the end is trusted by setting and not checked; a chain of one is the leaf that nobody vouches for.
  const std::size_t checked = only_staple || input.chain.size() == 1 ? 1 : input.chain.size() - 1;
  for (std::size_t at = 0; at < checked; ++at) {
    X509* certificate = input.chain[at];
    if (at == 0 && by_staple.what == status::good) {
      note(found, name(certificate) + " is good by the stapled OCSP answer");
      continue;
    }
    finding by_crl{status::unknown, {}};
    if (!only_staple && at + 1 < input.chain.size()) {
      by_crl = judge_crls(input.crls, certificate, input.chain[at + 1], input.now);
    }
    if (by_crl.what == status::revoked) return refuse("CERT_REVOKED", name(certificate) + ": " + by_crl.why);
    if (by_crl.what == status::good) {
      note(found, name(certificate) + " is good by a local CRL");
      continue;
    }
    std::string why = at == 0 ? by_staple.why : std::string();
    if (!by_crl.why.empty()) why += (why.empty() ? "" : ", ") + by_crl.why;
    note(unknown, name(certificate) + " was not checked: " + why);
  }

  if (unknown.empty()) return {std::nullopt, found};
  if (!found.empty()) unknown += "; " + found;
  if (input.policy == revocation_policy::hard) return refuse("REVOCATION_UNKNOWN", unknown);
  return {std::nullopt, "REVOCATION_UNKNOWN: " + unknown};
}

std::vector<crl_ptr> crls_of_file(std::string_view content) {
  std::vector<crl_ptr> all;
  const bio_ptr bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  if (bio == nullptr) return all;
  ERR_clear_error();
  if (content.find("-----BEGIN") == std::string_view::npos) {
    if (crl_ptr crl{d2i_X509_CRL_bio(bio.get(), nullptr)}) all.push_back(std::move(crl));
    ERR_clear_error();
    return all;
  }
  while (crl_ptr next{PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr)}) all.push_back(std::move(next));
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) all.clear();
  ERR_clear_error();
  return all;
}

}  // namespace tocsin::secure_connection
