// `tocsin publish --wait`: until every delivery of the event has come to an end, or has to wait.
#pragma once

#include "core/app/remote.hpp"

#include <boost/json/array.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace tocsin::app {

struct waited {
  boost::json::array deliveries;  // as the API shows them
  bool timed_out = false;         // some are still pending or being sent
};

// event: our identifier. Asks the host until no delivery of it is pending or being sent, for `limit` at most.
boost::system::result<waited, remote_error> wait_for_deliveries(const std::optional<std::filesystem::path>& config,
                                                                const std::string& event,
                                                                std::chrono::milliseconds limit);

// One at least did not get through: it is deferred, dead, dropped or expired.
bool has_failed(const boost::json::array& deliveries);

}  // namespace tocsin::app
