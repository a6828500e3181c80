// Names to addresses, for one loop.
#pragma once

#include "plugins/services/secure_connection/failure.hpp"

#include <chrono>
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
  // Addresses as text, in the order of preference, at least one; or DNS_NOT_FOUND, DNS_FAILED or DNS_TIMEOUT.
  using handler = std::function<void(result<std::vector<std::string>>)>;

  // What has no answer yet gets none.
  virtual ~resolver() = default;
  // Called on the loop's thread; so is done, later and at most once.
  virtual void resolve(const std::string& host, handler done) = 0;
};

using resolver_factory = std::function<std::unique_ptr<resolver>(boost::asio::io_context&)>;

struct lookup_options {
  std::string name_servers;              // "192.0.2.53:53,[2001:db8::53]:53"; empty: those of /etc/resolv.conf
  std::chrono::milliseconds one_try{0};  // how long a name server has for its first answer; 0: as /etc/resolv.conf says
  int tries = 0;                         // 0: as /etc/resolv.conf says
};

// Resolvers that ask /etc/hosts and the name servers. Those of one factory share one thread, which is there as long as
// one of them is; the end of the last one ends it at once, whatever is under way. A look-up goes on by itself beside
// the others, and all who want the same name meanwhile wait for the same one. Threads are made in the factory's call,
// which throws std::system_error if there is none to be had.
resolver_factory system_resolvers(lookup_options options = {});

}  // namespace tocsin::secure_connection
