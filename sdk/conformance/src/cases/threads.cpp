// SPDX-License-Identifier: Apache-2.0
// Calls from several threads at once, where the headers allow them.
#include "sdk/conformance/src/case.hpp"
#include "sdk/conformance/src/channel_bench.hpp"

#include <thread>

namespace tocsin::conformance {
namespace {

void several_endpoints(bench& on, const law&) {
  on.need(TOCSIN_EXT_CHANNEL);
  const auto plugin = start_plugin(on);
  channel_bench channel(*plugin);
  constexpr int endpoints = 4;
  constexpr int rounds = 20;
  std::vector<open_endpoint> open;
  for (int index = 0; index < endpoints; ++index) open.push_back(channel.must_open());
  std::vector<std::thread> threads;
  for (const open_endpoint endpoint : open) {
    threads.emplace_back([&channel, endpoint, &plugin, &on] {
      join_kit_threads();
      for (int round = 0; round < rounds; ++round) {
        // One at a time for one endpoint, which has one slot at least.
        const auto tokens = channel.deliver_here(messages_for(endpoint, 1));
        if (round % 3 == 0) channel.cancel(tokens);
        kit_host& host = plugin->host;
        if (!host.wait([&] { return host.deliveries.answered(tokens.front()); }, on.limit / 2)) return;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  channel.expect_all_completed("deliver() and cancel() from several threads, each for an endpoint of its own");
  for (const open_endpoint endpoint : open) channel.close(endpoint);
}

}  // namespace

case_table thread_cases() {
  return {
      {"threads.several-endpoints-at-once",
       {"calls about one endpoint come one at a time, calls about several at once", "tocsin/abi/types.h",
        "[worker], [any]"},
       several_endpoints},
  };
}

}  // namespace tocsin::conformance
