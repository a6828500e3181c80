// Connects to the first of several addresses that answers (a simple form of RFC 8305): the next one is tried when one
// fails or a moment has passed, the others go on meanwhile.
#pragma once

#include "plugins/services/secure_connection/failure.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tocsin::secure_connection {

// All on the loop's thread.
class dialer : public std::enable_shared_from_this<dialer> {
 public:
  using tcp = boost::asio::ip::tcp;
  // A connected socket, not blocking, or TCP_REFUSED, TCP_TIMEOUT, TCP_UNREACHABLE.
  using handler = std::function<void(result<tcp::socket>)>;

  // Address families take turns, beginning with the first address's.
  dialer(boost::asio::io_context& loop, std::vector<tcp::endpoint> addresses, std::chrono::milliseconds next_after);

  // done is called once, later, unless cancel() comes first.
  void start(handler done);
  void cancel();
  // "192.0.2.1:587, [2001:db8::1]:587", those that were tried so far.
  std::string tried() const;

 private:
  void try_next();
  void on_connect(std::size_t which, const boost::system::error_code& error);
  void note_failure(const tcp::endpoint& address, const boost::system::error_code& error);
  void finish(result<tcp::socket> outcome);

  boost::asio::io_context& loop_;
  std::vector<tcp::endpoint> addresses_;
  std::chrono::milliseconds next_after_;
  boost::asio::steady_timer timer_;
  handler done_;
  std::vector<tcp::socket> sockets_;  // one for each address tried
  std::size_t pending_ = 0;
  bool refused_ = false;
  bool timed_out_ = false;
  std::string failures_;
};

std::string text_of(const boost::asio::ip::tcp::endpoint& address);

}  // namespace tocsin::secure_connection
