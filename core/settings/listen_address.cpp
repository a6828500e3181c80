// Where the HTTP API listens: the one reader of addresses, for the settings, the listener and its clients.
#include "core/settings/listen_address.hpp"

#include <sys/un.h>
#include <boost/asio/ip/address.hpp>

#include <charconv>

namespace tocsin {
namespace {

constexpr const char* forms = "Write ADDRESS:PORT, such as \"127.0.0.1:8480\" or \"[::1]:8480\", or \"unix:PATH\".";

fault refused(std::string what, std::string remedy = forms) {
  return {"SETTINGS_INVALID", std::move(what), std::move(remedy), at_key("http.listen")};
}

result<host_address> parse_unix(const std::string& path) {
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty()) return refused("No path comes after unix:.");
  if (path.find('\0') != std::string::npos) return refused("There is a zero byte in the path after unix:.");
  if (path.size() > longest) {
    return refused("A socket's path has at most " + std::to_string(longest) + " bytes; \"" + path + "\" has " +
                       std::to_string(path.size()) + ".",
                   "Choose a shorter path.");
  }
  return host_address{.unix_path = path, .ip = {}, .port = 0};
}

}  // namespace

result<host_address> parse_host_address(const std::string& text) {
  if (text.starts_with("unix:")) return parse_unix(text.substr(5));
  host_address out;
  const auto colon = text.rfind(':');
  const char* end = text.data() + text.size();
  const auto [read, error] = std::from_chars(colon == std::string::npos ? end : text.data() + colon + 1, end, out.port);
  if (error != std::errc() || read != end) return refused("\"" + text + "\" has no port from 0 to 65535 at its end.");
  out.ip = text.substr(0, colon);
  const bool brackets = out.ip.starts_with('[') && out.ip.ends_with(']');
  if (brackets) out.ip = out.ip.substr(1, out.ip.size() - 2);
  if (out.ip == "localhost" && !brackets) out.ip = "127.0.0.1";
  boost::system::error_code failed;
  const auto ip = boost::asio::ip::make_address(out.ip, failed);
  if (failed) return refused("\"" + out.ip + "\" is no IP address.");
  if (ip.is_v6() != brackets) {
    return refused(ip.is_v6() ? "The IPv6 address in \"" + text + "\" stands without brackets."
                              : "The IPv4 address in \"" + text + "\" stands in brackets.");
  }
  if (!ip.is_loopback()) {
    return refused(
        "\"" + out.ip +
            "\" is not a loopback address, and this version of Tocsin does not speak TLS on its HTTP address.",
        "Listen on 127.0.0.1, [::1] or unix:PATH, and put a proxy that speaks TLS in front.");
  }
  return out;
}

std::string to_text(const host_address& address) {
  if (!address.unix_path.empty()) return "unix:" + address.unix_path;
  const std::string port = ":" + std::to_string(address.port);
  return address.ip.find(':') == std::string::npos ? address.ip + port : "[" + address.ip + "]" + port;
}

result<std::string> check_listen_address(const std::string& text, const std::filesystem::path& folder) {
  const bool has_path = text.starts_with("unix:") && text.size() > 5;
  const std::string whole = has_path ? "unix:" + (folder / text.substr(5)).lexically_normal().string() : text;
  const auto parsed = parse_host_address(whole);
  if (!parsed) return parsed.error();
  return whole;
}

}  // namespace tocsin
