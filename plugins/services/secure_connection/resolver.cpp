// Looks names up with Asio's resolver.
#include "plugins/services/secure_connection/resolver.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace tocsin::secure_connection {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class system_resolver final : public resolver {
 public:
  explicit system_resolver(asio::io_context& loop) : resolver_(loop) {}

  void resolve(const std::string& host, handler done) override {
    resolver_.async_resolve(
        host, "0", tcp::resolver::numeric_service,
        [host, done = std::move(done)](const boost::system::error_code& error,
                                       const tcp::resolver::results_type& found) {
          if (error == asio::error::operation_aborted) return;
          if (error) {
            const bool none = error == asio::error::host_not_found || error == asio::error::no_data;
            done(failure{"dns", none ? "DNS_NOT_FOUND" : "DNS_FAILED", host + ": " + error.message()});
            return;
          }
          std::vector<std::string> addresses;
          for (const auto& entry : found) addresses.push_back(entry.endpoint().address().to_string());
          if (addresses.empty()) {
            done(failure{"dns", "DNS_NOT_FOUND", host + ": the name has no address"});
            return;
          }
          done(std::move(addresses));
        });
  }

 private:
  tcp::resolver resolver_;
};

}  // namespace

std::unique_ptr<resolver> make_system_resolver(asio::io_context& loop) {
  return std::make_unique<system_resolver>(loop);
}

}  // namespace tocsin::secure_connection
