// The HTTP/1.1 listener: takes connections, no more than it may have, and lets them end.
#include "core/http/listener.hpp"

#include "core/http/connection.hpp"
#include "core/observe/log.hpp"
#include "core/settings/listen_address.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace tocsin {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using local = asio::local::stream_protocol;

namespace {

// When the system has no more descriptors, the next try waits for some to come back.
constexpr std::chrono::milliseconds accept_pause{100};

fault listen_failed(const host_address& address, const std::string& why) {
  return fault{"LISTEN_FAILED",
               "Cannot listen at " + to_text(address) + ": " + why + ".",
               "Stop the program that has this address, or choose another one in http.listen.",
               {{}, 0, 0, "http.listen"}};
}

// A socket file that a host left behind goes; one that is answered, and any other file, stays.
std::optional<std::string> clear_way(asio::io_context& context, const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  if (!S_ISSOCK(status.st_mode)) return "there is a file that is no socket";
  local::socket probe(context);
  error_code error;
  probe.open(local(), error);
  if (!error) probe.non_blocking(true, error);
  if (!error) probe.connect(local::endpoint(path), error);
  if (error == asio::error::connection_refused) {  // nobody has it open any more
    ::unlink(path.c_str());
    return std::nullopt;
  }
  // "Try again" is the answer of one who listens and has many waiting.
  if (!error || error == asio::error::would_block || error == asio::error::try_again) {
    return "another program listens there";
  }
  return "it cannot be seen whether a program listens there: " + error.message();
}

}  // namespace

struct http_listener::impl : std::enable_shared_from_this<impl> {
  impl(executor& pool, api& handler, listener_limits with)
      : strand(asio::make_strand(pool.context())),
        tcp_acceptor(strand),
        local_acceptor(strand),
        pause(strand),
        api(handler),
        limits(with),
        budgets(with) {}

  result<void> listen(asio::io_context& context, host_address at);
  error_code listen_tcp();
  error_code listen_unix();
  void accept();
  void accepted(const error_code& error, http_connection::socket peer);
  void ended(http_connection* connection);
  void close_acceptors();

  // With `mutex` held.
  template <class Function>
  void each(Function act) {
    for (const auto& [key, kept] : connections) {
      if (const auto connection = kept.lock()) act(*connection);
    }
  }

  asio::strand<asio::io_context::executor_type> strand;
  tcp::acceptor tcp_acceptor;
  local::acceptor local_acceptor;
  asio::steady_timer pause;
  tocsin::api& api;
  const listener_limits limits;
  const request_budgets budgets;
  host_address address;
  bool accepting = false;  // on the strand

  std::mutex mutex;
  std::condition_variable all_ended;
  // Each connection keeps itself, and this; were it kept here too, neither would go if the pool ended first.
  std::unordered_map<http_connection*, std::weak_ptr<http_connection>> connections;
  bool stopping = false;
};

error_code http_listener::impl::listen_tcp() {
  error_code error;
  const tcp::endpoint endpoint(asio::ip::make_address(address.ip), address.port);
  const auto step = [&error](auto&& what) {
    if (!error) what();
  };
  step([&] { tcp_acceptor.open(endpoint.protocol(), error); });
  step([&] { tcp_acceptor.set_option(tcp::acceptor::reuse_address(true), error); });
  step([&] { tcp_acceptor.bind(endpoint, error); });
  step([&] { tcp_acceptor.listen(asio::socket_base::max_listen_connections, error); });
  step([&] { address.port = tcp_acceptor.local_endpoint(error).port(); });
  return error;
}

error_code http_listener::impl::listen_unix() {
  error_code error;
  local_acceptor.open(local(), error);
  // Before the name is there: nobody else can come in between.
  if (!error && ::fchmod(local_acceptor.native_handle(), 0600) != 0) {
    error = error_code(errno, boost::system::system_category());
  }
  if (!error) local_acceptor.bind(local::endpoint(address.unix_path), error);
  if (!error) local_acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error;
}

result<void> http_listener::impl::listen(asio::io_context& context, host_address at) {
  address = std::move(at);
  if (!address.unix_path.empty()) {
    if (const auto occupied = clear_way(context, address.unix_path)) return listen_failed(address, *occupied);
  }
  const auto error = address.unix_path.empty() ? listen_tcp() : listen_unix();
  if (error) return listen_failed(address, error.message());
  asio::post(strand, [self = shared_from_this()] { self->accept(); });
  return {};
}

void http_listener::impl::accept() {
  {
    const std::lock_guard lock(mutex);
    if (stopping || accepting || connections.size() >= limits.connections) return;
    accepting = true;
  }
  // Each connection has a strand of its own.
  const auto home = asio::make_strand(strand.get_inner_executor());
  const auto then = [self = shared_from_this()](const error_code& error, auto peer) {
    self->accepting = false;
    if constexpr (std::is_same_v<decltype(peer), tcp::socket>) {
      error_code ignored;
      if (!error) peer.set_option(tcp::no_delay(true), ignored);
    }
    self->accepted(error, http_connection::socket(std::move(peer)));
  };
  if (address.unix_path.empty()) {
    tcp_acceptor.async_accept(asio::any_io_executor(home), then);
  } else {
    local_acceptor.async_accept(asio::any_io_executor(home), then);
  }
}

void http_listener::impl::accepted(const error_code& error, http_connection::socket peer) {
  if (error == asio::error::operation_aborted) return;
  if (error) {
    log::write(log::level::warn, "no connection could be taken", {{"cause", error.message()}});
    pause.expires_after(accept_pause);
    pause.async_wait([self = shared_from_this()](const error_code& cut) {
      if (!cut) self->accept();
    });
    return;
  }
  {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    auto connection = http_connection::start(std::move(peer), api, limits, budgets,
                                             [self = shared_from_this()](http_connection* one) { self->ended(one); });
    connections.emplace(connection.get(), connection);
  }
  accept();
}

void http_listener::impl::ended(http_connection* connection) {
  {
    const std::lock_guard lock(mutex);
    connections.erase(connection);
    if (connections.empty()) all_ended.notify_all();
  }
  asio::post(strand, [self = shared_from_this()] { self->accept(); });
}

void http_listener::impl::close_acceptors() {
  error_code ignored;
  tcp_acceptor.close(ignored);
  local_acceptor.close(ignored);
  pause.cancel();
}

http_listener::http_listener(std::shared_ptr<impl> made) : impl_(std::move(made)) {}

http_listener::~http_listener() { stop(std::chrono::milliseconds{0}); }

result<std::unique_ptr<http_listener>> http_listener::open(executor& pool, tocsin::api& handler,
                                                           const std::string& address, listener_limits limits) {
  auto parsed = parse_host_address(address);
  if (!parsed) return parsed.error();
  auto made = std::make_shared<impl>(pool, handler, limits);
  if (auto listening = made->listen(pool.context(), std::move(*parsed)); !listening) return listening.error();
  return std::unique_ptr<http_listener>(new http_listener(std::move(made)));
}

std::string http_listener::address() const { return to_text(impl_->address); }

void http_listener::stop(std::chrono::milliseconds limit) {
  auto& in = *impl_;
  std::unique_lock lock(in.mutex);
  if (!std::exchange(in.stopping, true)) {
    asio::post(in.strand, [self = impl_] { self->close_acceptors(); });
    if (!in.address.unix_path.empty()) ::unlink(in.address.unix_path.c_str());
    in.each([](http_connection& connection) { connection.finish(); });
  }
  in.all_ended.wait_for(lock, limit, [&in] { return in.connections.empty(); });
  in.each([](http_connection& connection) { connection.cut(); });
}

}  // namespace tocsin
