// Drives OpenSSL over two buffers and says in the contract's words what came of it.
#include "plugins/services/secure_connection/tls_engine.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

namespace tocsin::secure_connection {

// The C functions that OpenSSL calls; each finds its engine and does one thing.
struct tls_engine_callbacks {
  static int read(BIO* bio, char* into, int size) {
    auto& engine = *static_cast<tls_engine*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const std::size_t available = engine.input_.size() - engine.input_used_;
    if (available == 0) {
      if (engine.input_ended_) return 0;
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t taken = std::min(available, static_cast<std::size_t>(std::max(size, 0)));
    std::memcpy(into, engine.input_.data() + engine.input_used_, taken);
    engine.input_used_ += taken;
    if (engine.input_used_ == engine.input_.size()) {
      engine.input_.clear();
      engine.input_used_ = 0;
    }
    return static_cast<int>(taken);
  }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    if (size > 0) static_cast<tls_engine*>(BIO_get_data(bio))->output_.append(data, static_cast<std::size_t>(size));
    return size;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) {
      const auto& engine = *static_cast<const tls_engine*>(BIO_get_data(bio));
      return engine.input_ended_ && engine.input_.size() == engine.input_used_ ? 1 : 0;
    }
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tocsin buffers");
      if (fresh != nullptr) {
        BIO_meth_set_read(fresh, read);
        BIO_meth_set_write(fresh, write);
        BIO_meth_set_ctrl(fresh, control);
      }
      return fresh;
    }();
    return made;
  }

  static int verify(X509_STORE_CTX* store, void*) {
    const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& engine = *static_cast<tls_engine*>(SSL_get_app_data(ssl));
    engine.note_tls_stage();
    engine.certificate_fault_ = judge_certificate(store, engine.context_->policy());
    if (!engine.certificate_fault_) {
      X509_STORE_CTX_set_error(store, X509_V_OK);
      return 1;
    }
    // What the alert to the server is chosen by.
    if (X509_STORE_CTX_get_error(store) == X509_V_OK) X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
  }

  static int new_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<tls_engine*>(SSL_get_app_data(ssl))->new_sessions_.emplace_back(session);
    return 1;  // the reference is ours now
  }
};

namespace {

// As much of a plaintext peer's words as a message shows.
constexpr std::size_t quoted_bytes = 120;

// The server's refusal of our certificate, which TLS 1.3 has come after the handshake.
bool is_client_certificate_fault(int reason) {
  return reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED || reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE ||
         reason == SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN || reason == SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED ||
         reason == SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED || reason == SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE ||
         reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA || reason == SSL_R_TLSV1_ALERT_ACCESS_DENIED;
}

failure tls_failure(std::string_view code, std::string detail) {
  return failure{"tls", std::string(code), std::move(detail)};
}

bool is_version_fault(int reason) {
  return reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION ||
         reason == SSL_R_VERSION_TOO_LOW || reason == SSL_R_VERSION_TOO_HIGH || reason == SSL_R_WRONG_SSL_VERSION ||
         reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_NO_PROTOCOLS_AVAILABLE;
}

}  // namespace

tls_engine::tls_engine(std::shared_ptr<tls_context> context, std::int64_t now)
    : context_(std::move(context)), now_(now), verified_at_(now) {
  ssl_.reset(SSL_new(context_->get()));
  BIO* bio = tls_engine_callbacks::method() == nullptr ? nullptr : BIO_new(tls_engine_callbacks::method());
  if (ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    fail(tls_failure("TLS_HANDSHAKE_FAILED", "OpenSSL: " + openssl_words("out of memory")));
    return;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_connect_state(ssl_.get());
  if (!is_address(context_->expected_name())) {
    SSL_set_tlsext_host_name(ssl_.get(), context_->expected_name().c_str());
  }
  resumed_from_ = context_->take_session(now_);
  if (resumed_from_) SSL_set_session(ssl_.get(), resumed_from_->session.get());
}

tls_engine::~tls_engine() {
  // Without it OpenSSL spoils the session of a connection that ended without close_notify, which TLS has long stopped
  // asking for (RFC 5246, 7.2.1).
  if (ssl_ != nullptr) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void tls_engine::install(SSL_CTX* context) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, tls_engine_callbacks::verify, nullptr);
  // Sessions are kept by us, for one target alone.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, tls_engine_callbacks::new_session);
}

tls_state tls_engine::fail(failure why) {
  if (state_ == tls_state::failed) return state_;
  fault_ = std::move(why);
  state_ = tls_state::failed;
  ERR_clear_error();
  return state_;
}

void tls_engine::note_tls_stage() {
  if (std::exchange(tls_stage_noted_, true)) return;
  stages_.push_back({"tls", protocol() + ", " + cipher() + (SSL_session_reused(ssl_.get()) == 1 ? ", resumed" : "")});
}

// A TLS record begins with its type and the major version 3. Anything else is text of some other protocol's.
bool tls_engine::speaks_tls() const {
  const auto byte = [this](std::size_t at) { return static_cast<unsigned char>(first_bytes_[at]); };
  if (!first_bytes_.empty() && byte(0) != 0x16 && byte(0) != 0x15) return false;
  return first_bytes_.size() < 2 || byte(1) == 0x03;
}

tls_state tls_engine::handshake() {
  if (state_ != tls_state::handshaking) return state_;
  if (!speaks_tls()) {
    return fail(tls_failure("TLS_NOT_SPOKEN", "the peer answered in plain text: \"" + printable(first_bytes_) + "\""));
  }
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (done == 1) return finish_handshake();
  const int error = SSL_get_error(ssl_.get(), done);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return state_;
  return fail_handshake();
}

tls_state tls_engine::fail_handshake() {
  if (certificate_fault_) return fail(*certificate_fault_);
  const unsigned long code = ERR_peek_error();
  const int reason = ERR_GET_REASON(code);
  const bool ended = input_ended_ && (code == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING);
  if (ended) {
    ERR_clear_error();
    return fail(tls_failure("TLS_HANDSHAKE_FAILED", "the server closed the connection in the handshake"));
  }
  const std::string words = openssl_words("the handshake failed without a reason");
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && is_version_fault(reason)) {
    return fail(
        tls_failure("TLS_VERSION_UNSUPPORTED", std::string("the server offers no TLS version from ") +
                                                   (context_->minimum_version() == TLS1_3_VERSION ? "1.3" : "1.2") +
                                                   " on (OpenSSL: " + words + ")"));
  }
  return fail(tls_failure("TLS_HANDSHAKE_FAILED", "OpenSSL: " + words));
}

tls_state tls_engine::finish_handshake() {
  note_tls_stage();
  if (auto refused = judge_peer()) return fail(std::move(*refused));
  state_ = tls_state::established;
  // TLS 1.2 goes on with the session that it was resumed from, unless the server gave a new one.
  if (resumed() && new_sessions_.empty() && SSL_version(ssl_.get()) < TLS1_3_VERSION) {
    context_->keep_session(std::move(*resumed_from_));
  }
  resumed_from_.reset();
  keep_new_sessions();
  return state_;
}

// After a good handshake: what OpenSSL does not know of.
std::optional<failure> tls_engine::judge_peer() {
  X509* leaf = peer_certificate();
  if (leaf == nullptr) return failure{"certificate", "CERT_UNSUITABLE", "the server showed no certificate"};
  const bool checked_before = resumed();
  if (checked_before && !context_->policy().pin_only) {
    if (auto out_of_date = judge_dates(leaf)) return out_of_date;
  }
  const certificate_facts facts = facts_of(leaf);
  stages_.push_back({"certificate",
                     "subject \"" + facts.subject + "\", issuer \"" + facts.issuer + "\", valid to " + facts.not_after +
                         (context_->policy().pin_only ? ", known by its pin" : ", for " + context_->expected_name())});
  if (context_->revocation() == revocation_policy::off) {
    revocation_detail_ = "off";
    return std::nullopt;
  }
  if (checked_before && resumed_from_) {
    verified_at_ = resumed_from_->verified_at;
    revocation_detail_ = resumed_from_->revocation_detail;
    stages_.push_back({"revocation", revocation_detail_});
    return std::nullopt;
  }
  std::vector<X509*> chain;
  const STACK_OF(X509)* verified = context_->policy().pin_only ? nullptr : SSL_get0_verified_chain(ssl_.get());
  for (int at = 0; at < sk_X509_num(verified); ++at) chain.push_back(sk_X509_value(verified, at));
  if (chain.empty()) chain.push_back(leaf);
  const unsigned char* staple = nullptr;
  const long staple_size = SSL_get_tlsext_status_ocsp_resp(ssl_.get(), &staple);
  revocation_input input;
  input.policy = context_->revocation();
  input.chain = chain;
  if (staple != nullptr && staple_size > 0) input.staple = {staple, static_cast<std::size_t>(staple_size)};
  input.crls = context_->crls();
  input.now = now_;
  revocation_verdict verdict = judge_revocation(input);
  revocation_detail_ = verdict.detail;
  if (!verdict.refusal) stages_.push_back({"revocation", revocation_detail_});
  return verdict.refusal;
}

void tls_engine::keep_new_sessions() {
  for (session_ptr& session : new_sessions_) {
    context_->keep_session({std::move(session), verified_at_, revocation_detail_});
  }
  new_sessions_.clear();
}

void tls_engine::feed(std::span<const std::uint8_t> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (state_ == tls_state::handshaking && first_bytes_.size() < quoted_bytes) {
    first_bytes_ += text.substr(0, quoted_bytes - first_bytes_.size());
  }
  input_ += text;
}

void tls_engine::feed_end() { input_ended_ = true; }

std::size_t tls_engine::read(std::span<std::uint8_t> buffer) {
  if (state_ != tls_state::established || buffer.empty()) return 0;
  ERR_clear_error();
  std::size_t size = 0;
  const int done = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size);
  if (!new_sessions_.empty()) keep_new_sessions();
  if (done == 1) return size;
  switch (SSL_get_error(ssl_.get(), done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return 0;
    case SSL_ERROR_ZERO_RETURN:
      state_ = tls_state::closed;
      return 0;
    default:
      break;
  }
  if (is_client_certificate_fault(ERR_GET_REASON(ERR_peek_error()))) {
    fail(tls_failure("TLS_HANDSHAKE_FAILED", "the server refused our certificate, or asks for one (OpenSSL: " +
                                                 openssl_words("no reason given") + "); see tls.client_certificate"));
  } else if (input_ended_) {
    fail(failure{"", "SERVER_CLOSED",
                 "the server closed the connection without the end that TLS asks for (close_notify)"});
  } else {
    fail(failure{"", "SERVER_CLOSED", "TLS broke off: " + openssl_words("no reason given")});
  }
  return 0;
}

bool tls_engine::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_ != tls_state::established) return false;
    ERR_clear_error();
    std::size_t size = 0;
    const int done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
    if (done != 1) {
      fail(failure{"", "SERVER_CLOSED", "TLS broke off: " + openssl_words("no reason given")});
      return false;
    }
    bytes.remove_prefix(size);
  }
  return true;
}

void tls_engine::shut_down() {
  if (state_ != tls_state::established && state_ != tls_state::closed) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::string tls_engine::protocol() const { return SSL_get_version(ssl_.get()); }

std::string tls_engine::cipher() const {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl_.get());
  if (cipher == nullptr) cipher = SSL_get_pending_cipher(ssl_.get());
  return cipher == nullptr ? std::string("cipher unknown") : SSL_CIPHER_get_name(cipher);
}

bool tls_engine::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

X509* tls_engine::peer_certificate() const { return SSL_get0_peer_certificate(ssl_.get()); }

std::optional<std::string> tls_engine::channel_binding(std::string_view type) const {
  if (state_ != tls_state::established) return std::nullopt;
  if (type == "tls-exporter") {
    // TLS 1.2 without an extended master secret does not bind (RFC 9266, 4.2).
    if (SSL_version(ssl_.get()) < TLS1_3_VERSION && SSL_get_extms_support(ssl_.get()) != 1) return std::nullopt;
    constexpr std::string_view label = "EXPORTER-Channel-Binding";
    std::string value(32, '\0');
    if (SSL_export_keying_material(ssl_.get(), reinterpret_cast<unsigned char*>(value.data()), value.size(),
                                   label.data(), label.size(), nullptr, 0, 0) != 1) {
      return std::nullopt;
    }
    return value;
  }
  if (type == "tls-server-end-point") {
    // The hash of the certificate's signature; MD5 and SHA-1 give way to SHA-256.
    int digest_id = NID_undef;
    X509* certificate = peer_certificate();
    if (certificate == nullptr || X509_get_signature_info(certificate, &digest_id, nullptr, nullptr, nullptr) != 1) {
      return std::nullopt;
    }
    if (digest_id == NID_md5 || digest_id == NID_sha1 || digest_id == NID_md5_sha1) digest_id = NID_sha256;
    const EVP_MD* digest = EVP_get_digestbynid(digest_id);
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (digest == nullptr || X509_digest(certificate, digest, value, &size) != 1) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(value), size);
  }
  return std::nullopt;
}

}  // namespace tocsin::secure_connection
