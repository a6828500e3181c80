// An OpenSSL server over memory BIOs.
#include "unit/secure_connection/engine_peer.hpp"

#include <openssl/err.h>

#include <deque>
#include <stdexcept>

namespace tocsin::secure_connection::testing {
namespace {

int staple_answer(SSL* ssl, void* staple) {
  const auto& der = *static_cast<const std::string*>(staple);
  if (der.empty()) return SSL_TLSEXT_ERR_NOACK;
  auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(der.data(), der.size()));
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(der.size()));
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

ssl_context_ptr make_server_context(const key_pair& identity, const peer_options& options) {
  static std::deque<std::string> staples;  // OpenSSL keeps the address of each for as long as its context
  ssl_context_ptr context(SSL_CTX_new(TLS_server_method()));
  // Level 0, so that the server may be as bad as a test wants it.
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), options.minimum_version);
  SSL_CTX_set_max_proto_version(context.get(), options.maximum_version);
  SSL_CTX_use_certificate(context.get(), identity.certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), identity.key.get());
  for (const key_pair* more : options.chain) SSL_CTX_add1_chain_cert(context.get(), more->certificate.get());
  const unsigned char id[] = "tests";
  SSL_CTX_set_session_id_context(context.get(), id, sizeof id);
  SSL_CTX_set_tlsext_status_cb(context.get(), staple_answer);
  SSL_CTX_set_tlsext_status_arg(context.get(), &staples.emplace_back(options.staple));
  if (options.asks_for_certificate) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

engine_peer::engine_peer(SSL_CTX* context)
    : ssl_(SSL_new(context)), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
  BIO_set_mem_eof_return(in_, -1);
  BIO_set_mem_eof_return(out_, -1);
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_accept_state(ssl_.get());
}

std::string engine_peer::take() {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out_, &data);
  std::string taken(data, static_cast<std::size_t>(size));
  BIO_reset(out_);
  return taken;
}

std::string engine_peer::exchange(std::string_view from_client) {
  BIO_write(in_, from_client.data(), static_cast<int>(from_client.size()));
  ERR_clear_error();
  if (!done_) done_ = SSL_do_handshake(ssl_.get()) == 1;
  char buffer[4096];
  std::size_t size = 0;
  while (done_ && SSL_read_ex(ssl_.get(), buffer, sizeof buffer, &size) == 1) received_.append(buffer, size);
  ERR_clear_error();
  return take();
}

std::string engine_peer::write(std::string_view plain) {
  std::size_t size = 0;
  SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &size);
  return take();
}

std::string engine_peer::shut_down() {
  SSL_shutdown(ssl_.get());
  return take();
}

std::shared_ptr<tls_context> make_client_context(const std::string& ca_pem,
                                                 const std::function<void(stream_settings&)>& change) {
  stream_settings settings;
  settings.host = "mail.example.org";
  settings.port = 587;
  settings.tls.ca_file = {"ca.pem", ca_pem};
  if (change) change(settings);
  system_trust system;
  auto made = tls_context::make(settings, system);
  if (!made) throw std::runtime_error(made.error().detail);
  return *made;
}

std::unique_ptr<tls_engine> make_engine(const std::shared_ptr<tls_context>& context) {
  return std::make_unique<tls_engine>(context, static_cast<std::int64_t>(std::time(nullptr)));
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

tls_state run_handshake(tls_engine& engine, engine_peer& peer) {
  engine.handshake();
  for (int turn = 0; turn < 20; ++turn) {
    const std::string to_peer = std::exchange(engine.output(), {});
    const std::string to_client = peer.exchange(to_peer);
    if (to_client.empty() && engine.output().empty() && to_peer.empty()) break;
    engine.feed(bytes_of(to_client));
    if (engine.handshake() == tls_state::failed) break;
  }
  return engine.state();
}

std::string read_all(tls_engine& engine) {
  std::string all;
  std::vector<std::uint8_t> buffer(4096);
  while (const std::size_t size = engine.read(buffer)) all.append(reinterpret_cast<const char*>(buffer.data()), size);
  return all;
}

}  // namespace tocsin::secure_connection::testing
