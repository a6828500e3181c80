// SPDX-License-Identifier: Apache-2.0
// The test client, on a blocking socket.
#include "unit/inbox/client.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace tocsin::inbox::test {

client::client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets without MSG_NOSIGNAL
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

client::~client() {
  SSL_free(tls_);
  SSL_CTX_free(context_);
  ::close(socket_);
}

void client::send(std::string_view bytes) {
  if (tls_) {
    EXPECT_GT(SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())), 0);
    return;
  }
  while (!bytes.empty()) {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the server closed: what it answered tells
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool client::fill() {
  std::array<char, 16384> bytes{};
  ssize_t got = 0;
  if (tls_) {
    got = SSL_read(tls_, bytes.data(), static_cast<int>(bytes.size()));
  } else {
    got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    was_reset_ = got < 0 && errno == ECONNRESET;
  }
  if (got <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

std::string client::reply() {
  std::string whole;
  for (;;) {
    const auto end = buffer_.find("\r\n");
    if (end == std::string::npos) {
      if (!fill()) return whole;
      continue;
    }
    const std::string line = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 2);
    whole += line;
    if (line.size() < 4 || line[3] != '-') return whole;
  }
}

std::string client::ask(std::string_view line) {
  send(std::string(line) + "\r\n");
  return reply();
}

std::string client::read_some() {
  if (buffer_.empty()) fill();
  return std::exchange(buffer_, {});
}

std::string client::rest() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

bool client::is_open_and_silent() {
  pollfd waiting{socket_, POLLIN, 0};
  return buffer_.empty() && ::poll(&waiting, 1, 50) == 0;
}

bool client::start_tls(const std::string& ca_pem, int newest) {
  context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context_, newest);
  BIO* in = BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size()));
  X509* authority = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  if (authority) X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), authority);
  X509_free(authority);
  BIO_free(in);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  tls_ = SSL_new(context_);
  SSL_set1_host(tls_, "localhost");
  SSL_set_fd(tls_, socket_);
  const bool done = SSL_connect(tls_) == 1;
  ERR_clear_error();
  return done;
}

void client::greet_securely(const std::string& ca_pem) {
  EXPECT_THAT(reply(), testing::StartsWith("220 "));
  EXPECT_THAT(ask("EHLO test"), testing::HasSubstr("STARTTLS"));
  EXPECT_THAT(ask("STARTTLS"), testing::StartsWith("220 "));
  ASSERT_TRUE(start_tls(ca_pem));
  EXPECT_THAT(ask("EHLO test"), testing::Not(testing::HasSubstr("STARTTLS")));
}

std::string client::mail(std::string_view data, std::string_view to) {
  EXPECT_THAT(ask("MAIL FROM:<from@example.org>"), testing::StartsWith("250 "));
  EXPECT_THAT(ask("RCPT TO:<" + std::string(to) + ">"), testing::StartsWith("250 "));
  EXPECT_THAT(ask("DATA"), testing::StartsWith("354 "));
  return ask(std::string(data) + ".");
}

}  // namespace tocsin::inbox::test
