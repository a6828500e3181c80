// Tries addresses one after the other and overlapping.
#include "plugins/services/secure_connection/dialer.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <iterator>

namespace tocsin::secure_connection {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

std::vector<tcp::endpoint> taking_turns(std::vector<tcp::endpoint> addresses) {
  if (addresses.empty()) return addresses;
  const bool first_is_v6 = addresses.front().address().is_v6();
  const auto middle = std::stable_partition(addresses.begin(), addresses.end(), [&](const tcp::endpoint& address) {
    return address.address().is_v6() == first_is_v6;
  });
  std::vector<tcp::endpoint> ordered;
  auto preferred = addresses.begin();
  auto other = middle;
  while (preferred != middle || other != addresses.end()) {
    if (preferred != middle) ordered.push_back(*preferred++);
    if (other != addresses.end()) ordered.push_back(*other++);
  }
  return ordered;
}

}  // namespace

std::string text_of(const tcp::endpoint& address) {
  const std::string text = address.address().to_string();
  return (address.address().is_v6() ? "[" + text + "]" : text) + ":" + std::to_string(address.port());
}

dialer::dialer(asio::io_context& loop, std::vector<tcp::endpoint> addresses, std::chrono::milliseconds next_after)
    : loop_(loop), addresses_(taking_turns(std::move(addresses))), next_after_(next_after), timer_(loop) {
  sockets_.reserve(addresses_.size());
}

void dialer::start(handler done) {
  done_ = std::move(done);
  asio::post(loop_, [self = shared_from_this()] { self->try_next(); });
}

void dialer::cancel() {
  done_ = nullptr;
  timer_.cancel();
  for (tcp::socket& socket : sockets_) {
    boost::system::error_code ignored;
    socket.close(ignored);
  }
}

std::string dialer::tried() const {
  std::string text;
  for (std::size_t at = 0; at < sockets_.size(); ++at) text += (at == 0 ? "" : ", ") + text_of(addresses_[at]);
  return text;
}

void dialer::try_next() {
  while (done_ && sockets_.size() < addresses_.size()) {
    const std::size_t which = sockets_.size();
    tcp::socket& socket = sockets_.emplace_back(loop_);
    boost::system::error_code error;
    socket.open(addresses_[which].protocol(), error);
    if (!error) socket.non_blocking(true, error);
    if (error) {
      note_failure(addresses_[which], error);
      continue;
    }
    ++pending_;
    socket.async_connect(addresses_[which],
                         [self = shared_from_this(), which](const boost::system::error_code& outcome) {
                           self->on_connect(which, outcome);
                         });
    if (sockets_.size() < addresses_.size()) {
      timer_.expires_after(next_after_);
      timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
        if (!cancelled) self->try_next();
      });
    }
    return;
  }
  if (!done_ || pending_ > 0) return;
  const char* code = refused_ ? "TCP_REFUSED" : timed_out_ ? "TCP_TIMEOUT" : "TCP_UNREACHABLE";
  finish(failure{"tcp", code, failures_});
}

void dialer::on_connect(std::size_t which, const boost::system::error_code& outcome) {
  if (!done_) return;
  --pending_;
  boost::system::error_code error = outcome;
  // Nobody listens, and the system chose the very port that was called as the caller's own: that talks to itself.
  if (!error && sockets_[which].local_endpoint(error) == sockets_[which].remote_endpoint(error) && !error) {
    error = asio::error::connection_refused;
  }
  if (!error) {
    finish(std::move(sockets_[which]));
    return;
  }
  note_failure(addresses_[which], error);
  boost::system::error_code ignored;
  sockets_[which].close(ignored);
  timer_.cancel();
  try_next();
}

void dialer::note_failure(const tcp::endpoint& address, const boost::system::error_code& error) {
  refused_ = refused_ || error == asio::error::connection_refused;
  timed_out_ = timed_out_ || error == asio::error::timed_out;
  constexpr std::size_t enough = 400;
  if (failures_.size() < enough)
    failures_ += (failures_.empty() ? "" : "; ") + text_of(address) + ": " + error.message();
}

void dialer::finish(result<tcp::socket> outcome) {
  const handler done = std::move(done_);
  cancel();
  done(std::move(outcome));
}

}  // namespace tocsin::secure_connection
