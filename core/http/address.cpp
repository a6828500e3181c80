// Where a host listens, as settings write it.
#include "core/http/address.hpp"

#include <sys/un.h>

#include <boost/asio/ip/address.hpp>

#include <charconv>

namespace tocsin {
namespace {

fault invalid(const std::string& text, const std::string& why) {
  return fault{"SETTINGS_INVALID",
               "\"" + text + "\" is no address to listen at: " + why + ".",
               "Write it as 127.0.0.1:8480, [::1]:8480 or unix:PATH.",
               {{}, 0, 0, "http.listen"}};
}

}  // namespace

result<host_address> parse_host_address(const std::string& text) {
  host_address out;
  if (text.starts_with("unix:")) {
    out.unix_path = text.substr(5);
    if (out.unix_path.empty()) return invalid(text, "the path is missing");
    if (out.unix_path.size() >= sizeof(sockaddr_un::sun_path)) {
      return invalid(text, "a socket's path has at most " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                               " bytes, this one has " + std::to_string(out.unix_path.size()));
    }
    return out;
  }
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return invalid(text, "the port is missing");
  const char* end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data() + colon + 1, end, out.port);
  if (error != std::errc() || read != end) return invalid(text, "the port is no number from 0 to 65535");
  out.ip = text.substr(0, colon);
  const bool brackets = out.ip.starts_with('[') && out.ip.ends_with(']');
  if (brackets) out.ip = out.ip.substr(1, out.ip.size() - 2);
  if (out.ip == "localhost") out.ip = "127.0.0.1";
  boost::system::error_code failed;
  const auto ip = boost::asio::ip::make_address(out.ip, failed);
  if (failed || ip.is_v6() != brackets) return invalid(text, "the part before the port is no IP address");
  if (!ip.is_loopback()) return invalid(text, "it is not loopback, and this host speaks no TLS there");
  return out;
}

std::string to_text(const host_address& address) {
  if (!address.unix_path.empty()) return "unix:" + address.unix_path;
  const std::string port = ":" + std::to_string(address.port);
  return address.ip.find(':') == std::string::npos ? address.ip + port : "[" + address.ip + "]" + port;
}

}  // namespace tocsin
