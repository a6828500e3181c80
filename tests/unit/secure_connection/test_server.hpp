// The other side of a real loopback connection, played by the test's own thread, and a consumer that keeps its events.
#pragma once

#include "plugins/services/secure_connection/service.hpp"
#include "unit/secure_connection/engine_peer.hpp"

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin::secure_connection::testing {

// A connected socket. Reads give up after ten seconds, so that a fault ends a test instead of hanging it.
class server_side {
 public:
  explicit server_side(int socket) : socket_(socket) {}
  server_side(server_side&& other) noexcept : socket_(std::exchange(other.socket_, -1)), ssl_(std::move(other.ssl_)) {}
  ~server_side() { close(); }

  bool accept_tls(SSL_CTX* context);  // false: the handshake failed
  void send(std::string_view bytes);
  std::string receive();                   // what one read gives; empty: the end, an error or ten seconds
  std::string receive(std::size_t count);  // up to so many
  std::string receive_all();               // to the end
  bool ended_with_close_notify() const;
  void close();
  void reset();  // RST
  SSL* ssl() const { return ssl_.get(); }

 private:
  int socket_;
  ssl_ptr ssl_;
};

class server_socket {
 public:
  // Port 0: the system chooses.
  explicit server_socket(const char* address = "127.0.0.1", std::uint16_t port = 0, int backlog = 16);
  ~server_socket();
  server_socket(const server_socket&) = delete;
  server_socket& operator=(const server_socket&) = delete;

  std::uint16_t port() const { return port_; }
  server_side accept();
  // From now on nobody gets an answer: the queue of those that wait to be accepted is full.
  void fill_up();

 private:
  int socket_;
  std::string address_;
  std::uint16_t port_ = 0;
  std::vector<int> fillers_;
};

// A port at which nobody listens.
std::uint16_t closed_port();

struct kept_event {
  tocsin_stream_event_kind kind;
  std::string stage;
  std::string code;
  std::string detail;
  std::string data;
};

// What a stream says, kept in order. on_event runs on the completion thread.
class consumer {
 public:
  std::function<void(const tocsin_stream_event&)> on_event;

  tocsin_stream_handler handler() const { return {sizeof(tocsin_stream_handler), 0, &consumer::event}; }
  // The first event of that kind, once it has come; nothing: not within ten seconds.
  std::optional<kept_event> wait_for(tocsin_stream_event_kind kind);
  // The last event.
  std::optional<kept_event> wait_for_end();
  // Until so many bytes have come as DATA.
  std::string wait_for_data(std::size_t count);
  std::vector<kept_event> events() const;
  std::vector<std::string> stages() const;
  std::size_t count(tocsin_stream_event_kind kind) const;
  // Events after FAILED or ENDED: a fault.
  bool came_after_the_end() const;

 private:
  static void event(void* context, const tocsin_stream_event* event);
  template <class Predicate>
  bool wait(Predicate predicate);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<kept_event> events_;
};

}  // namespace tocsin::secure_connection::testing
