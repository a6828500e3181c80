// Nanoseconds from a routed event to the call of each subscriber in the process: who wants it, the hand-over between
// threads, the call with its batch. Publications of 100 events, of 100 types; half of what is looked at wants nothing.
#include "core/bus/subscription.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace tocsin;

constexpr std::size_t events_of_publication = 100;
constexpr std::size_t most_waiting = 5'000;  // by subscriber: under what it may hold, so that none is lost

std::vector<event_ptr> make_events() {
  std::vector<event_ptr> events;
  for (std::size_t number = 0; number < events_of_publication; ++number) {
    event made;
    made.source = "/bench";
    made.id = std::to_string(number);
    made.type = "bench.type" + std::to_string(number);
    events.push_back(std::make_shared<const event>(std::move(made)));
  }
  return events;
}

void to_subscribers(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  executor pool{1};
  std::atomic<std::uint64_t> arrived = 0;
  const auto losses = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::vector<subscription_ptr> all;
  for (std::size_t number = 0; number < count; ++number) {
    all.push_back(std::make_shared<subscription>(
        subscription_filter{{"bench.*"}, {}, {}}, pool,
        [&arrived](std::span<const event_ptr> events, std::uint64_t) {
          arrived.fetch_add(events.size(), std::memory_order_relaxed);
          return true;
        },
        losses));
    all.push_back(std::make_shared<subscription>(
        subscription_filter{{"other.*"}, {}, {}}, pool, [](std::span<const event_ptr>, std::uint64_t) { return true; },
        losses));
  }
  const subscription_set set(all);
  const auto events = make_events();
  std::vector<subscription_set::position> wanted;
  std::uint64_t handed_over = 0;
  for (auto _ : state) {
    pending_copies copies;
    for (std::size_t index = 0; index < events.size(); ++index) {
      wanted.clear();
      set.find(*events[index], wanted);
      for (const auto who : wanted) copies.add(who, events[index], index);
    }
    copies.hand_over(set, [](std::size_t) { return true; });
    handed_over += events.size() * count;
    while (handed_over - arrived.load(std::memory_order_relaxed) > most_waiting * count) std::this_thread::yield();
  }
  while (arrived.load(std::memory_order_relaxed) < handed_over) std::this_thread::yield();
  if (*losses != 0) state.SkipWithError("events were lost");
  // Per event, and not per subscriber.
  state.counters["per_event"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(events.size()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace

BENCHMARK(to_subscribers)->Arg(1)->Arg(10)->UseRealTime();
BENCHMARK_MAIN();
