// The HTTP/1.1 listener on Boost.Beast: limits, keep-alive, drain.
#pragma once

#include "core/http/api.hpp"
#include "core/model/fault.hpp"
#include "core/runtime/executor.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace tocsin {

struct listener_limits {
  std::uint64_t max_body = 8u << 20;     // bytes; beyond it 413
  std::uint32_t max_header = 16u << 10;  // bytes
  std::uint32_t connections = 1024;
  std::chrono::milliseconds header_time = std::chrono::seconds{10};
  std::chrono::milliseconds idle_time = std::chrono::seconds{60};  // between requests, and between a body's pieces
  std::chrono::milliseconds body_time = std::chrono::seconds{30};  // for a body, and longer by what has come of it:
  std::uint64_t body_rate = 16u << 10;                             // bytes a second
  std::uint64_t all_bodies = 64u << 20;  // bytes of all requests under way; beyond it 503. One of max_body always fits
  // Requests to sources may wait long for their answers; so that they leave publishers their room, they count apart.
  std::uint64_t source_bodies = 32u << 20;  // bytes, as all_bodies
  std::uint32_t source_requests = 512;      // under way at once, of all sources; beyond it 503
};

class http_listener {
 public:
  ~http_listener();

  // address: "127.0.0.1:8480", "[::1]:0" (port 0: the system chooses) or "unix:PATH". Only loopback and Unix sockets
  // are taken: SETTINGS_INVALID else; LISTEN_FAILED if the address is in use or not ours.
  static result<std::unique_ptr<http_listener>> open(executor& pool, api& handler, const std::string& address,
                                                     listener_limits limits);
  // Where it listens: "127.0.0.1:8480" or "unix:PATH".
  std::string address() const;
  // Take no more connections; requests under way are answered, idle connections closed. Blocks at most `limit`.
  void stop(std::chrono::milliseconds limit);

 private:
  struct impl;
  explicit http_listener(std::shared_ptr<impl> impl);
  std::shared_ptr<impl> impl_;
};

}  // namespace tocsin
