// SPDX-License-Identifier: Apache-2.0
// The server: a listening socket, a thread that accepts, a thread a connection.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <list>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <tocsin/inbox/inbox.hpp>
#include <utility>

#include "connection_session.hpp"

namespace tocsin::inbox {
namespace {

constexpr std::chrono::milliseconds wait_without_descriptors{10};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

class descriptor {
 public:
  explicit descriptor(int value = -1) : value_(value) {}
  ~descriptor() { reset(); }
  descriptor(descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  void reset() {
    if (value_ >= 0) ::close(std::exchange(value_, -1));
  }

 private:
  int value_;
};

descriptor listen_on_loopback(std::uint16_t port) {
  descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) fail("the inbox cannot make a socket");
  const int on = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0) {
    const int error = errno;
    throw std::system_error(error, std::generic_category(), "the inbox cannot listen on port " + std::to_string(port));
  }
  return listener;
}

std::uint16_t port_of(const descriptor& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  return ntohs(address.sin_port);
}

// The signals of the program are for its own threads: ours start with all of them blocked.
class signals_blocked {
 public:
  signals_blocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;

 private:
  sigset_t before_{};
};

options checked(options how) {
  for (const auto& name : how.mechanisms) {
    if (!is_known_mechanism(name)) {
      throw std::invalid_argument("the mechanism \"" + name + "\" is not known: PLAIN, LOGIN, CRAM-MD5, XOAUTH2 are");
    }
  }
  return how;
}

}  // namespace

struct server::impl {
  explicit impl(options how)
      : shared(checked(std::move(how))), listener(listen_on_loopback(shared.how.port)), port(port_of(listener)) {
    shared.faults.set(shared.how.faults);
    shared.accounts.set(shared.how.accounts);
    if (shared.how.mode != security::none) set_up_tls();
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("the inbox cannot make a pipe");
    stop_reader = descriptor(ends[0]);
    stop_writer = descriptor(ends[1]);
    const signals_blocked blocked;
    acceptor = std::thread([this] { accept_all(); });
  }

  ~impl() { stop(); }

  void set_up_tls() {
    std::string certificate = shared.how.certificate_pem;
    std::string key = shared.how.key_pem;
    if (certificate.empty()) {
      const certificate_authority authority;
      auto issued = authority.issue({});
      certificate = std::move(issued.certificate_pem);
      key = std::move(issued.key_pem);
      ca_pem = authority.certificate_pem();
    }
    tls = std::make_unique<tls_context>(certificate, key, shared.how.minimum_tls, shared.how.maximum_tls);
  }

  void stop() {
    const std::lock_guard only_one(stopping);
    if (!acceptor.joinable()) return;
    stop_writer.reset();  // the acceptor sees the end of its pipe
    acceptor.join();
    listener.reset();
    for (auto& each : connections) each.socket.interrupt();
    for (auto& each : connections) each.thread.join();
    connections.clear();
  }

  void accept_all() {
    std::array<pollfd, 2> waiting{{{listener.get(), POLLIN, 0}, {stop_reader.get(), POLLIN, 0}}};
    for (;;) {
      if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
      if (waiting[1].revents != 0) return;
      const int accepted = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted < 0) {
        if (errno == EMFILE || errno == ENFILE) {  // until a connection ends, or the server
          ::poll(&waiting[1], 1, static_cast<int>(wait_without_descriptors.count()));
        }
        continue;
      }
      reap();
      const int on = 1;
      ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      start(accepted);
    }
  }

  void start(int accepted) {
    connection& made = connections.emplace_back(accepted);
    const std::uint64_t number = ++connection_count;
    try {
      made.thread = std::thread([this, &made, number] {
        run_connection(made.socket, shared, tls.get(), number);
        made.ended = true;
      });
    } catch (const std::system_error&) {  // no thread to be had: the client sees its connection closed
      connections.pop_back();
    }
  }

  void reap() {
    for (auto it = connections.begin(); it != connections.end();) {
      if (it->ended) {
        it->thread.join();
        it = connections.erase(it);
      } else {
        ++it;
      }
    }
  }

  struct connection {
    explicit connection(int accepted) : socket(accepted) {}
    socket_handle socket;
    std::thread thread;
    std::atomic<bool> ended = false;
  };

  shared_state shared;
  descriptor listener;
  const std::uint16_t port;
  std::unique_ptr<tls_context> tls;
  std::string ca_pem;
  descriptor stop_reader;
  descriptor stop_writer;
  std::mutex stopping;
  std::atomic<std::uint64_t> connection_count = 0;
  std::list<connection> connections;  // the acceptor's; stop()'s once that has ended
  std::thread acceptor;
};

server::server(options how) : impl_(std::make_unique<impl>(std::move(how))) {}
server::~server() = default;

std::uint16_t server::port() const { return impl_->port; }
std::string server::ca_pem() const { return impl_->ca_pem; }
std::vector<mail> server::mails() const { return impl_->shared.box.mails(); }
std::size_t server::mail_count() const { return impl_->shared.box.count(); }
bool server::wait_for(std::size_t count, std::chrono::milliseconds limit) const {
  return impl_->shared.box.wait_for(count, limit);
}
void server::on_mail(std::function<void(const mail&)> handler) { impl_->shared.box.on_mail(std::move(handler)); }
void server::set_faults(std::vector<fault> faults) { impl_->shared.faults.set(faults); }
void server::set_accounts(std::map<std::string, std::string> accounts) {
  impl_->shared.accounts.set(std::move(accounts));
}
std::uint64_t server::connections() const { return impl_->connection_count; }
std::vector<std::string> server::dialogue() const { return impl_->shared.record.lines(); }
void server::stop() { impl_->stop(); }

}  // namespace tocsin::inbox
