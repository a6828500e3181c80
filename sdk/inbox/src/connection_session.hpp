// SPDX-License-Identifier: Apache-2.0
// Drives one connection from its greeting to its end, on a thread of its own.
#pragma once

#include <cstdint>

#include "channel.hpp"
#include "dialogue_fsm.hpp"

namespace tocsin::inbox {

// Returns when the connection has ended; the socket is closed then.
void run_connection(socket_handle& socket, shared_state& shared, const tls_context* tls, std::uint64_t number);

}  // namespace tocsin::inbox
