// One HTTP connection: reads a request, has it answered, writes the answer, and again.
#pragma once

#include "core/http/api.hpp"
#include "core/http/body_budget.hpp"
#include "core/http/listener.hpp"

#include <boost/asio/generic/stream_protocol.hpp>

#include <functional>
#include <memory>

namespace tocsin {

// All its work is on a strand of its own.
class http_connection {
 public:
  using socket = boost::asio::generic::stream_protocol::socket;

  // ended is called once, when the socket is closed, however the connection came to its end. [any thread]
  static std::shared_ptr<http_connection> start(socket peer, api& handler, const listener_limits& limits,
                                                std::shared_ptr<body_budget> bodies,
                                                std::function<void(http_connection*)> ended);
  virtual ~http_connection() = default;

  // The request under way is the last; without one, close. [any thread]
  virtual void finish() = 0;
  // Close at once. [any thread]
  virtual void cut() = 0;
};

}  // namespace tocsin
