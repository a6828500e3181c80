// Names to addresses, for one loop.
#pragma once

#include "plugins/services/secure_connection/failure.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace tocsin::secure_connection {

class resolver {
 public:
  // Addresses as text, in the order of preference, at least one; or DNS_NOT_FOUND or DNS_FAILED.
  using handler = std::function<void(result<std::vector<std::string>>)>;

  virtual ~resolver() = default;
  // Called on the loop's thread; so is done, later and at most once.
  virtual void resolve(const std::string& host, handler done) = 0;
};

// The system's look-up (getaddrinfo) on a thread of its own for each loop: look-ups of one loop wait for each other,
// and one that is under way cannot be given up.
std::unique_ptr<resolver> make_system_resolver(boost::asio::io_context& loop);

}  // namespace tocsin::secure_connection
