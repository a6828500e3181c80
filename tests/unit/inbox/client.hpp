// SPDX-License-Identifier: Apache-2.0
// A client that says exactly what a test tells it to, in clear or under TLS.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::inbox::test {

class client {
 public:
  explicit client(std::uint16_t port);
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void send(std::string_view bytes);
  // One whole reply, its lines with their CRLF; "" once the connection has ended.
  std::string reply();
  // send(line + CRLF), then reply()
  std::string ask(std::string_view line);
  // The bytes of the next read from the socket; "" at the end.
  std::string read_some();
  // Whatever comes until the server closes.
  std::string rest();
  // Nothing came, and the connection is open, within a moment; for what must stay silent.
  bool is_open_and_silent();
  bool was_reset() const { return was_reset_; }
  // A TLS handshake that trusts ca_pem alone and expects localhost.
  bool start_tls(const std::string& ca_pem, int newest = TLS1_3_VERSION);
  // EHLO, then STARTTLS and EHLO again.
  void greet_securely(const std::string& ca_pem);
  // A mail in one transaction; the answer to its last byte.
  std::string mail(std::string_view data = "Subject: x\r\n\r\nhello\r\n", std::string_view to = "to@example.org");

 private:
  bool fill();

  int socket_;
  SSL_CTX* context_ = nullptr;
  SSL* tls_ = nullptr;
  std::string buffer_;
  bool was_reset_ = false;
};

}  // namespace tocsin::inbox::test
