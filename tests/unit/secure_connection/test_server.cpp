// Blocking sockets for the server's side of a test.
#include "unit/secure_connection/test_server.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tocsin::secure_connection::testing {
namespace {

constexpr std::chrono::seconds patience{10};

sockaddr_in address_of(const std::string& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &out.sin_addr);
  return out;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

void require(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::system_category(), what);
}

}  // namespace

bool server_side::accept_tls(SSL_CTX* context) {
  ssl_.reset(SSL_new(context));
  SSL_set_fd(ssl_.get(), socket_);
  ERR_clear_error();
  return SSL_accept(ssl_.get()) == 1;
}

void server_side::send(std::string_view bytes) {
  if (ssl_ != nullptr) {
    std::size_t size = 0;
    SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
    return;
  }
  while (!bytes.empty()) {
    const ssize_t size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

std::string server_side::receive() {
  std::string buffer(65536, '\0');
  if (ssl_ != nullptr) {
    std::size_t size = 0;
    ERR_clear_error();
    if (SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size) != 1) return {};
    buffer.resize(size);
    return buffer;
  }
  const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), 0);
  buffer.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return buffer;
}

std::string server_side::receive(std::size_t count) {
  std::string all;
  while (all.size() < count) {
    const std::string more = receive();
    if (more.empty()) break;
    all += more;
  }
  return all;
}

std::string server_side::receive_all() { return receive(static_cast<std::size_t>(-1)); }

bool server_side::ended_with_close_notify() const {
  return ssl_ != nullptr && (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void server_side::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

void server_side::reset() {
  const linger at_once{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

server_socket::server_socket(const char* address, std::uint16_t port, int backlog)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), address_(address) {
  const int yes = 1;
  setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in where = address_of(address_, port);
  require(::bind(socket_, generic(where), sizeof where) == 0, "bind");
  require(::listen(socket_, backlog) == 0, "listen");
  socklen_t size = sizeof where;
  getsockname(socket_, reinterpret_cast<sockaddr*>(&where), &size);
  port_ = ntohs(where.sin_port);
}

server_socket::~server_socket() {
  for (const int filler : fillers_) ::close(filler);
  ::close(socket_);
}

server_side server_socket::accept() {
  const timeval limit{patience.count(), 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const int accepted = ::accept(socket_, nullptr, nullptr);
  require(accepted >= 0, "accept");
  setsockopt(accepted, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(accepted, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return server_side(accepted);
}

void server_socket::fill_up() {
  const sockaddr_in where = address_of(address_, port_);
  for (int at = 0; at < 8; ++at) {
    const int filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ::connect(filler, generic(where), sizeof where);
    fillers_.push_back(filler);
  }
}

std::uint16_t closed_port() { return server_socket().port(); }

void consumer::event(void* context, const tocsin_stream_event* event) {
  auto& self = *static_cast<consumer*>(context);
  if (self.on_event) self.on_event(*event);
  const auto text = [](tocsin_string value) {
    return std::string(value.data == nullptr ? "" : value.data, value.size);
  };
  const std::lock_guard lock(self.mutex_);
  self.events_.push_back({event->kind, text(event->stage), text(event->code), text(event->detail),
                          std::string(event->data.data, event->data.data + event->data.size)});
  self.changed_.notify_all();
}

template <class Predicate>
bool consumer::wait(Predicate predicate) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, predicate);
}

std::optional<kept_event> consumer::wait_for(tocsin_stream_event_kind kind) {
  std::optional<kept_event> found;
  wait([&] {
    const auto at = std::find_if(events_.begin(), events_.end(), [&](const kept_event& e) { return e.kind == kind; });
    if (at != events_.end()) found = *at;
    return found.has_value();
  });
  return found;
}

std::optional<kept_event> consumer::wait_for_end() {
  std::optional<kept_event> found;
  wait([&] {
    if (!events_.empty() && events_.back().kind >= TOCSIN_STREAM_FAILED) found = events_.back();
    return found.has_value();
  });
  return found;
}

std::string consumer::wait_for_data(std::size_t count) {
  std::string all;
  wait([&] {
    all.clear();
    for (const kept_event& each : events_) all += each.data;
    return all.size() >= count;
  });
  return all;
}

std::vector<kept_event> consumer::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::vector<std::string> consumer::stages() const {
  std::vector<std::string> all;
  for (const kept_event& each : events()) {
    if (each.kind == TOCSIN_STREAM_STAGE) all.push_back(each.stage);
  }
  return all;
}

std::size_t consumer::count(tocsin_stream_event_kind kind) const {
  const auto all = events();
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&](const kept_event& each) { return each.kind == kind; }));
}

bool consumer::came_after_the_end() const {
  const auto all = events();
  const auto end =
      std::find_if(all.begin(), all.end(), [](const kept_event& each) { return each.kind >= TOCSIN_STREAM_FAILED; });
  return end != all.end() && end + 1 != all.end();
}

}  // namespace tocsin::secure_connection::testing
