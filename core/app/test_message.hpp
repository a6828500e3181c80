// The message that `send-test` and `doctor --send` send.
#pragma once

#include "core/model/endpoint.hpp"
#include "core/model/message.hpp"

namespace tocsin::app {

outgoing_message test_message(const endpoint_settings& endpoint, const std::string& recipient, time_ms now);

}  // namespace tocsin::app
