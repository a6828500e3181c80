// SPDX-License-Identifier: Apache-2.0
// Threads that wait for one another before each round, so that their calls overlap as far as there are processors.
#include "sdk/conformance/src/at_once.hpp"

#include <barrier>
#include <thread>
#include <vector>

namespace tocsin::conformance {

void at_once(const std::function<void()>& call) {
  constexpr int count = 4;
  constexpr int rounds = 20;
  std::barrier together(count);
  std::vector<std::thread> threads;
  for (int index = 0; index < count; ++index) {
    threads.emplace_back([&together, &call] {
      join_kit_threads();
      for (int round = 0; round < rounds; ++round) {
        together.arrive_and_wait();
        try {
          call();
        } catch (const end_case&) {
          return together.arrive_and_drop();  // the breach is written
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace tocsin::conformance
