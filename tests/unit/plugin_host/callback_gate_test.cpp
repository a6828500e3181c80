// The gate that calls between host and plugin go through.
#include "core/plugin_host/calls/callback_gate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <thread>
#include <vector>

namespace tocsin {
namespace {

using std::chrono::milliseconds;

TEST(CallbackGate, IsShutAtFirst) {
  callback_gate gate;
  EXPECT_FALSE(gate.is_open());
  EXPECT_FALSE(gate.enter());
  gate.open();
  EXPECT_TRUE(gate.enter());
}

TEST(CallbackGate, TurnsCallsAwayOnceItIsShut) {
  callback_gate gate;
  gate.open();
  EXPECT_TRUE(gate.shut(milliseconds(0)));
  EXPECT_FALSE(gate.enter());
  EXPECT_FALSE(gate.is_open());
}

TEST(CallbackGate, SaysThatACallIsStillInside) {
  callback_gate gate;
  gate.open();
  std::optional<callback_gate::pass> inside(gate.enter());
  EXPECT_FALSE(gate.shut(milliseconds(0)));
  inside.reset();
  EXPECT_TRUE(gate.shut(milliseconds(0)));
}

TEST(CallbackGate, WaitsForTheCallsThatAreInside) {
  callback_gate gate;
  gate.open();
  std::atomic<int> inside{0};
  std::atomic<int> let_in{0};
  std::vector<std::thread> callers;
  for (int count = 0; count < 4; ++count) {
    callers.emplace_back([&] {
      while (const auto pass = gate.enter()) {
        ++inside;
        ++let_in;
        --inside;
      }
    });
  }
  while (let_in < 1000) std::this_thread::yield();
  EXPECT_TRUE(gate.shut(std::chrono::seconds(20)));
  EXPECT_EQ(inside, 0);
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace tocsin
