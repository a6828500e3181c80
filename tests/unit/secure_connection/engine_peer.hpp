// An OpenSSL server over memory, to run the engine against, and the settings that the engine gets.
#pragma once

#include "plugins/services/secure_connection/tls_engine.hpp"
#include "unit/secure_connection/test_certificates.hpp"

#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::secure_connection::testing {

struct peer_options {
  int minimum_version = TLS1_2_VERSION;
  int maximum_version = TLS1_3_VERSION;
  std::vector<const key_pair*> chain;  // what it sends after its own certificate
  std::string staple;                  // DER
  bool asks_for_certificate = false;
};

// A server's side for any number of connections.
ssl_context_ptr make_server_context(const key_pair& identity, const peer_options& options = {});

// One connection of it.
class engine_peer {
 public:
  explicit engine_peer(SSL_CTX* context);

  // Takes what the client sent, goes on, and returns what the client shall get.
  std::string exchange(std::string_view from_client);
  std::string write(std::string_view plain);
  std::string shut_down();
  const std::string& received() const { return received_; }
  bool done() const { return done_; }
  SSL* get() const { return ssl_.get(); }

 private:
  std::string take();
  ssl_ptr ssl_;
  BIO* in_;
  BIO* out_;
  bool done_ = false;
  std::string received_;
};

// Settings as for mail.example.org port 587, changed by `change`; ca_pem is what tls.ca_file holds.
std::shared_ptr<tls_context> make_client_context(const std::string& ca_pem,
                                                 const std::function<void(stream_settings&)>& change = {});
std::unique_ptr<tls_engine> make_engine(const std::shared_ptr<tls_context>& context);

// Hands bytes to and fro until the engine is up or has failed and nothing is under way any more.
tls_state run_handshake(tls_engine& engine, engine_peer& peer);

std::span<const std::uint8_t> bytes_of(std::string_view text);
// All that the engine has decrypted.
std::string read_all(tls_engine& engine);

}  // namespace tocsin::secure_connection::testing
