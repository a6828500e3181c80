// SPDX-License-Identifier: Apache-2.0
// A connection's bytes, in clear or under TLS, on one blocking socket.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;
struct bio_st;

namespace tocsin::inbox {

// The socket of a connection. One thread uses it; interrupt() may come from any.
class socket_handle {
 public:
  explicit socket_handle(int descriptor) : descriptor_(descriptor) {}
  ~socket_handle() { close(); }
  socket_handle(const socket_handle&) = delete;
  socket_handle& operator=(const socket_handle&) = delete;

  // Whoever reads or writes is told that the connection has ended.
  void interrupt();
  void close();
  void close_with_reset();
  // How many bytes came; 0: none will come any more.
  std::size_t receive(char* into, std::size_t size);
  bool send(std::string_view bytes);

 private:
  std::mutex closing_;  // so that interrupt() never meets a descriptor that is somebody else's by now
  int descriptor_;
};

// The server's certificate and TLS versions.
class tls_context {
 public:
  // Throws std::runtime_error for a certificate or key that OpenSSL does not take, std::invalid_argument for a version.
  tls_context(const std::string& certificate_pem, const std::string& key_pem, const std::string& minimum_version,
              const std::string& maximum_version);
  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;
  ssl_ctx_st* get() const { return context_; }

 private:
  ssl_ctx_st* context_;
};

class channel {
 public:
  explicit channel(socket_handle& socket) : socket_(socket) {}
  ~channel();
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  std::size_t read(char* into, std::size_t size);
  bool write(std::string_view bytes);
  // What a handshake may be made to do wrong.
  struct handshake_misdeeds {
    bool split = false;
    std::string inject;  // in clear, behind the server's first flight
  };
  bool handshake(const tls_context& context, const handshake_misdeeds& misdeeds);
  std::string tls_version() const;
  std::string tls_cipher() const;
  // Says under TLS that no more will come.
  void say_goodbye();

 private:
  bool send_pending(bool split = false, std::string_view also = {});
  bool receive_more();

  socket_handle& socket_;
  ssl_st* tls_ = nullptr;
  bio_st* incoming_ = nullptr;  // both belong to tls_
  bio_st* outgoing_ = nullptr;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace tocsin::inbox
