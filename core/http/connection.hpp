// One HTTP connection: reads a request, has it answered, writes the answer, and again.
#pragma once

#include "core/http/api.hpp"
#include "core/http/budget.hpp"
#include "core/http/listener.hpp"

#include <boost/asio/generic/stream_protocol.hpp>

#include <algorithm>
#include <functional>
#include <memory>

namespace tocsin {

// What the requests under way may take up together.
struct request_budgets {
  explicit request_budgets(const listener_limits& limits)
      : bodies(std::make_shared<budget>(std::max(limits.all_bodies, limits.max_body))),
        source_bodies(std::make_shared<budget>(std::max(limits.source_bodies, limits.max_body))),
        source_requests(std::make_shared<budget>(limits.source_requests)) {}

  std::shared_ptr<budget> bodies;           // of requests that the host answers itself, in bytes
  std::shared_ptr<budget> source_bodies;    // of those to sources
  std::shared_ptr<budget> source_requests;  // how many those are
};

// All its work is on a strand of its own.
class http_connection {
 public:
  using socket = boost::asio::generic::stream_protocol::socket;

  // ended is called once, when the socket is closed, however the connection came to its end. [any thread]
  static std::shared_ptr<http_connection> start(socket peer, api& handler, const listener_limits& limits,
                                                request_budgets budgets, std::function<void(http_connection*)> ended);
  virtual ~http_connection() = default;

  // The request under way is the last; without one, close. [any thread]
  virtual void finish() = 0;
  // Close at once. [any thread]
  virtual void cut() = 0;
};

}  // namespace tocsin
