// Where a host listens, as settings write it: "127.0.0.1:8480", "[::1]:8480" or "unix:PATH".
#pragma once

#include "core/model/fault.hpp"

#include <cstdint>
#include <string>

namespace tocsin {

struct host_address {
  std::string unix_path;  // empty: TCP
  std::string ip;         // without brackets; "localhost" has become 127.0.0.1
  std::uint16_t port = 0;
};

// Fault SETTINGS_INVALID at http.listen: not of this form, not loopback, a path that is too long for a socket.
result<host_address> parse_host_address(const std::string& text);
std::string to_text(const host_address& address);

}  // namespace tocsin
