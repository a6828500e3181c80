// Checks the address of the HTTP API.
#include "core/settings/listen_address.hpp"

#include <boost/asio/ip/address.hpp>

#include <charconv>
#include <string_view>

namespace tocsin {
namespace {

constexpr std::string_view forms =
    "Write ADDRESS:PORT, such as \"127.0.0.1:8480\" or \"[::1]:8480\", or \"unix:PATH\".";

fault refused(std::string what, std::string remedy) {
  return {"SETTINGS_INVALID", std::move(what), std::move(remedy), {}};
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port <= 65535;
}

}  // namespace

result<std::string> check_listen_address(const std::string& text, const std::filesystem::path& folder) {
  if (text.starts_with("unix:")) {
    const std::string path = text.substr(5);
    if (path.empty() || path.find('\0') != std::string::npos)
      return refused("No path comes after unix:.", std::string(forms));
    return "unix:" + (folder / path).lexically_normal().string();
  }
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || !is_port(std::string_view(text).substr(colon + 1))) {
    return refused("\"" + text + "\" has no port from 0 to 65535 at its end.", std::string(forms));
  }
  std::string host = text.substr(0, colon);
  if (host == "localhost") return text;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (error) return refused("\"" + host + "\" is no IP address.", std::string(forms));
  if (!address.is_loopback()) {
    return refused(
        "\"" + host +
            "\" is not a loopback address, and this version of Tocsin does not speak TLS on its HTTP address.",
        "Listen on 127.0.0.1, [::1] or unix:PATH, and put a proxy that speaks TLS in front.");
  }
  return text;
}

}  // namespace tocsin
