// The running host as a command sees it: its address, the token, one call.
#pragma once

#include "core/http/client.hpp"
#include "core/model/fault.hpp"
#include "core/settings/settings.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace tocsin::app {

struct remote_error {
  fault why;
  int status;  // exit status
};

// One call to the host of these settings. An answer below 300 is parsed; any other is the fault that it tells. Takes
// `limit` at most.
boost::system::result<boost::json::value, remote_error> call(const std::optional<std::filesystem::path>& config,
                                                             const std::string& method, const std::string& target,
                                                             const std::string& content_type = {},
                                                             const std::string& body = {},
                                                             std::chrono::seconds limit = std::chrono::seconds{30});

// Percent-encodes everything but unreserved characters (RFC 3986, section 2.3).
std::string percent_encode(std::string_view text);

[[noreturn]] inline void throw_exception_from_error(const remote_error& error, const boost::source_location& where) {
  throw_exception_from_error(error.why, where);
}

}  // namespace tocsin::app
