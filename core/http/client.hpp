// A small HTTP client for the command line: one request to the running host.
#pragma once

#include "core/model/fault.hpp"

#include <chrono>
#include <string>

namespace tocsin {

struct client_answer {
  int status = 0;
  std::string content_type;
  std::string body;
};

// address as in [http] listen. Blocks, for `limit` at most. Fault HOST_UNREACHABLE names address and cause ("is `tocsin
// serve` running?").
result<client_answer> call_host(const std::string& address, const std::string& token, const std::string& method,
                                const std::string& target, const std::string& content_type, const std::string& body,
                                std::chrono::seconds limit = std::chrono::seconds{30});

}  // namespace tocsin
