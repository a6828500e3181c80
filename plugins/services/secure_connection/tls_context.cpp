// Sets OpenSSL up for one target.
#include "plugins/services/secure_connection/tls_context.hpp"

#include "plugins/services/secure_connection/tls_engine.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace tocsin::secure_connection {
namespace {

constexpr std::int64_t session_age_s = 3600;
constexpr std::size_t sessions_kept = 16;
// 112 bits: RSA 2048, EC 224, SHA-256.
constexpr int security_level = 2;

failure wrong(std::string_view key, std::string detail) {
  return failure{"settings", "SETTINGS_INVALID", std::string(key) + ": " + std::move(detail)};
}

// No pass phrase is asked for: a key that needs one cannot be read.
int no_pass_phrase(char*, int, int, void*) { return -1; }

}  // namespace

X509_STORE* system_trust::get() {
  const std::lock_guard lock(mutex_);
  if (store_ == nullptr) {
    store_.reset(X509_STORE_new());
    // A missing bundle or folder is no error here: then nothing is trusted, and the connection says so.
    if (store_ != nullptr && X509_STORE_set_default_paths(store_.get()) != 1) store_.reset();
    ERR_clear_error();
  }
  return store_.get();
}

result<std::shared_ptr<tls_context>> tls_context::make(const stream_settings& settings, system_trust& system) {
  std::shared_ptr<tls_context> made(new tls_context());
  made->settings_ = settings.tls;
  made->policy_.expected_name = settings.expected_name();
  made->policy_.pins = made->settings_.pins;
  made->policy_.pin_only = made->settings_.pin_only;
  made->policy_.trust = made->settings_.ca_file.path.empty() ? "the system's CA certificates"
                                                             : "the certificates of " + made->settings_.ca_file.path;
  made->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr) return wrong("tls", "OpenSSL: " + openssl_words("out of memory"));

  SSL_CTX_set_min_proto_version(context, made->settings_.minimum_version);
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_security_level(context, security_level);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  tls_engine::install(context);
  if (made->settings_.revocation != revocation_policy::off) {
    SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
  }
  for (const auto step : {&tls_context::load_client_certificate, &tls_context::load_crls}) {
    if (auto fault = (made.get()->*step)()) return *fault;
  }
  if (auto fault = made->load_trust(system)) return *fault;
  return made;
}

std::optional<failure> tls_context::load_trust(system_trust& system) {
  if (settings_.ca_file.path.empty()) {
    X509_STORE* store = system.get();
    if (store == nullptr) return wrong("tls.ca_file", "is not set, and the system's CA certificates cannot be opened");
    SSL_CTX_set1_cert_store(context_.get(), store);
    return std::nullopt;
  }
  const auto certificates = certificates_of_pem(settings_.ca_file.content);
  if (certificates.empty()) {
    return wrong("tls.ca_file", settings_.ca_file.path + " holds no readable PEM certificate");
  }
  store_ptr store(X509_STORE_new());
  if (store == nullptr) return wrong("tls.ca_file", "out of memory");
  for (const x509_ptr& certificate : certificates) X509_STORE_add_cert(store.get(), certificate.get());
  SSL_CTX_set_cert_store(context_.get(), store.release());
  // Whatever the operator names is an anchor, be it self-signed or not.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context_.get()), X509_V_FLAG_PARTIAL_CHAIN);
  return std::nullopt;
}

std::optional<failure> tls_context::load_client_certificate() {
  if (settings_.client_certificate.path.empty()) return std::nullopt;
  const auto certificates = certificates_of_pem(settings_.client_certificate.content);
  if (certificates.empty()) {
    return wrong("tls.client_certificate", settings_.client_certificate.path + " holds no readable PEM certificate");
  }
  if (SSL_CTX_use_certificate(context_.get(), certificates[0].get()) != 1) {
    return wrong("tls.client_certificate",
                 settings_.client_certificate.path + " cannot be used: " + openssl_words("no reason given"));
  }
  for (std::size_t at = 1; at < certificates.size(); ++at) {
    SSL_CTX_add1_chain_cert(context_.get(), certificates[at].get());
  }
  const std::string& text = settings_.client_key.content;
  const bio_ptr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const key_ptr key(bio == nullptr ? nullptr : PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (key == nullptr) {
    ERR_clear_error();
    return wrong("tls.client_key", settings_.client_key.path + " holds no readable PEM key without a pass phrase");
  }
  if (SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1) {
    ERR_clear_error();
    return wrong("tls.client_key", settings_.client_key.path + " is not the key of tls.client_certificate");
  }
  OPENSSL_cleanse(settings_.client_key.content.data(), settings_.client_key.content.size());
  settings_.client_key.content.clear();
  return std::nullopt;
}

std::optional<failure> tls_context::load_crls() {
  for (const named_content& file : settings_.crl_files) {
    auto crls = crls_of_file(file.content);
    if (crls.empty()) return wrong("tls.crl_files", file.path + " holds no readable CRL, neither PEM nor DER");
    for (crl_ptr& crl : crls) crls_.push_back(std::move(crl));
  }
  return std::nullopt;
}

std::optional<known_session> tls_context::take_session(std::int64_t now) {
  const std::lock_guard lock(mutex_);
  while (!sessions_.empty()) {
    known_session newest = std::move(sessions_.back());
    sessions_.pop_back();
    const bool usable =
        SSL_SESSION_is_resumable(newest.session.get()) == 1 && now >= newest.verified_at &&
        now < newest.verified_at + session_age_s &&
        now < SSL_SESSION_get_time(newest.session.get()) + SSL_SESSION_get_timeout(newest.session.get());
    if (usable) return newest;
  }
  return std::nullopt;
}

void tls_context::keep_session(known_session session) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() == sessions_kept) sessions_.erase(sessions_.begin());
  sessions_.push_back(std::move(session));
}

}  // namespace tocsin::secure_connection
