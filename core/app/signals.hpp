// Signals as values: blocked in every thread, taken by the one that waits.
#pragma once

#include <chrono>
#include <optional>

namespace tocsin::app {

// Blocks SIGTERM, SIGINT and SIGHUP for this thread and all that it starts. Call it before any thread is made.
void block_signals();
// The next of them; nothing if the time is over first.
int wait_for_signal();
std::optional<int> wait_for_signal(std::chrono::milliseconds limit);

}  // namespace tocsin::app
