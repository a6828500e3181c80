// Where the HTTP API listens: the one reader of addresses, for the settings, the listener and its clients.
#pragma once

#include "core/model/fault.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace tocsin {

struct host_address {
  std::string unix_path;  // empty: TCP
  std::string ip;         // without brackets; "localhost" has become 127.0.0.1
  std::uint16_t port = 0;
};

// "127.0.0.1:8480", "[::1]:8480", "localhost:8480" or "unix:PATH". Fault SETTINGS_INVALID at http.listen: not of this
// form, a path that is too long for a socket, or not loopback: what is said there bears tokens, and is not encrypted.
result<host_address> parse_host_address(const std::string& text);
std::string to_text(const host_address& address);

// The text as the settings keep it: a relative path is made absolute from folder. Faults as above.
result<std::string> check_listen_address(const std::string& text, const std::filesystem::path& folder);

}  // namespace tocsin
