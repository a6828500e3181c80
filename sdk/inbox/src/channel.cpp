// SPDX-License-Identifier: Apache-2.0
// Socket calls and OpenSSL on memory BIOs, so that each flight is one send() and every byte of it is ours to spoil.
#include "channel.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <tuple>

namespace tocsin::inbox {
namespace {

constexpr std::size_t buffer_size = 64 * 1024;

int protocol_version(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, int>, 4> versions = {
      {{"1.0", TLS1_VERSION}, {"1.1", TLS1_1_VERSION}, {"1.2", TLS1_2_VERSION}, {"1.3", TLS1_3_VERSION}}};
  for (const auto& [known, number] : versions) {
    if (known == name) return number;
  }
  throw std::invalid_argument("the TLS version \"" + name + "\" cannot be: there are 1.0, 1.1, 1.2 and 1.3");
}

struct bio_free {
  void operator()(BIO* it) const { BIO_free(it); }
};
using bio_ptr = std::unique_ptr<BIO, bio_free>;

bio_ptr reading(const std::string& pem) { return bio_ptr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

std::string openssl_words() {
  std::string words;
  while (const unsigned long code = ERR_get_error()) {
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    words.append(": ").append(text.data());
  }
  return words;
}

// The first certificate is the server's, the others of the chain follow it.
bool use_certificates(SSL_CTX* context, const std::string& pem) {
  const bio_ptr in = reading(pem);
  const std::unique_ptr<X509, decltype(&X509_free)> own(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr),
                                                        &X509_free);
  if (!own || SSL_CTX_use_certificate(context, own.get()) != 1) return false;
  while (X509* next = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return false;
    }
  }
  ERR_clear_error();  // "no start line": the end of the chain
  return true;
}

bool use_key(SSL_CTX* context, const std::string& pem) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(reading(pem).get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  return key && SSL_CTX_use_PrivateKey(context, key.get()) == 1 && SSL_CTX_check_private_key(context) == 1;
}

}  // namespace

void socket_handle::interrupt() {
  const std::lock_guard lock(closing_);
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}

void socket_handle::close() {
  const std::lock_guard lock(closing_);
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void socket_handle::close_with_reset() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

std::size_t socket_handle::receive(char* into, std::size_t size) {
  for (;;) {
    const ssize_t got = ::recv(descriptor_, into, size, 0);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return 0;
  }
}

bool socket_handle::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

tls_context::tls_context(const std::string& certificate_pem, const std::string& key_pem,
                         const std::string& minimum_version, const std::string& maximum_version)
    : context_(nullptr) {
  const int minimum = protocol_version(minimum_version);
  const int maximum = protocol_version(maximum_version);
  if (minimum > maximum) {
    throw std::invalid_argument("the lowest TLS version, " + minimum_version + ", is above the highest, " +
                                maximum_version);
  }
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) throw std::runtime_error("the inbox could not set up TLS" + openssl_words());
  // OpenSSL 3 has the versions before 1.2 at security level 0 alone.
  if (minimum < TLS1_2_VERSION) SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), minimum);
  SSL_CTX_set_max_proto_version(context.get(), maximum);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  constexpr std::array<unsigned char, 6> name = {'t', 'o', 'c', 's', 'i', 'n'};
  SSL_CTX_set_session_id_context(context.get(), name.data(), name.size());
  if (!use_certificates(context.get(), certificate_pem)) {
    throw std::runtime_error("the inbox cannot use the certificate" + openssl_words());
  }
  if (!use_key(context.get(), key_pem)) {
    throw std::runtime_error("the inbox cannot use the key with the certificate" + openssl_words());
  }
  context_ = context.release();
}

tls_context::~tls_context() { SSL_CTX_free(context_); }

channel::~channel() { SSL_free(tls_); }

bool channel::handshake(const tls_context& context, const handshake_misdeeds& misdeeds) {
  buffer_ = std::make_unique<char[]>(buffer_size);
  tls_ = SSL_new(context.get());
  incoming_ = BIO_new(BIO_s_mem());
  outgoing_ = BIO_new(BIO_s_mem());
  SSL_set_bio(tls_, incoming_, outgoing_);
  SSL_set_accept_state(tls_);
  std::string_view inject = misdeeds.inject;
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(tls_);
    const bool has_flight = BIO_pending(outgoing_) > 0;
    if (!send_pending(misdeeds.split, has_flight ? inject : std::string_view())) return false;
    if (has_flight) inject = {};
    if (done == 1) return true;
    if (SSL_get_error(tls_, done) != SSL_ERROR_WANT_READ || !receive_more()) return false;
  }
}

std::size_t channel::read(char* into, std::size_t size) {
  if (!tls_) return socket_.receive(into, size);
  for (;;) {
    ERR_clear_error();
    std::size_t got = 0;
    // All records that have come, so that their commands are answered together.
    for (std::size_t piece = 0; got < size && SSL_read_ex(tls_, into + got, size - got, &piece) == 1;) got += piece;
    if (got > 0) return got;
    if (SSL_get_error(tls_, 0) != SSL_ERROR_WANT_READ || !send_pending() || !receive_more()) return 0;
  }
}

bool channel::write(std::string_view bytes) {
  if (!tls_) return socket_.send(bytes);
  if (bytes.empty()) return true;
  ERR_clear_error();
  std::size_t written = 0;
  return SSL_write_ex(tls_, bytes.data(), bytes.size(), &written) == 1 && send_pending();
}

bool channel::send_pending(bool split, std::string_view also) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(outgoing_, &bytes);
  std::string flight(bytes, static_cast<std::size_t>(size));
  std::ignore = BIO_reset(outgoing_);
  flight += also;
  if (!split) return socket_.send(flight);
  for (const char& byte : flight) {
    if (!socket_.send({&byte, 1})) return false;
  }
  return true;
}

bool channel::receive_more() {
  const std::size_t got = socket_.receive(buffer_.get(), buffer_size);
  return got > 0 && BIO_write(incoming_, buffer_.get(), static_cast<int>(got)) == static_cast<int>(got);
}

std::string channel::tls_version() const { return tls_ ? SSL_get_version(tls_) : ""; }

std::string channel::tls_cipher() const { return tls_ ? SSL_get_cipher_name(tls_) : ""; }

void channel::say_goodbye() {
  if (!tls_ || SSL_is_init_finished(tls_) != 1) return;
  ERR_clear_error();
  SSL_shutdown(tls_);
  send_pending();
}

}  // namespace tocsin::inbox
