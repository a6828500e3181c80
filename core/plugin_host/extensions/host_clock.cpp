// tocsin.host.clock/1 and tocsin.host.timer/1: the time, and calls at a time, for plugins.
#include "core/plugin_host/calls/guarded_call.hpp"
#include "core/plugin_host/extensions/host_extensions.hpp"

#include <algorithm>

namespace tocsin {
namespace {

constexpr std::uint64_t longest_delay_ms = std::uint64_t{100'000} * 24 * 3600 * 1000;

std::int64_t now_ms(void* context) {
  return host_call(context, allowed::always, "clock.now_ms", std::int64_t{0},
                   [](plugin_instance& instance) { return std::int64_t{instance.services.clock->now()}; });
}

std::uint64_t monotonic_ns(void* context) {
  return host_call(context, allowed::always, "clock.monotonic_ns", std::uint64_t{0}, [](plugin_instance& instance) {
    return static_cast<std::uint64_t>(instance.services.clock->monotonic().count());
  });
}

// On the plugin's queue: the timer may have been cancelled or set anew since it was due.
void fire(plugin_instance& instance, std::uint64_t id, std::uint64_t run) {
  const auto pass = enter_once_started(instance);
  if (!pass || !instance.timers.take(id, run)) return;
  guarded_call(instance, "timer.fired", {.kind = "timer", .number = id},
               [&] { instance.tables.timer->fired(instance.plugin->self, id); });
}

void start(void* context, std::uint64_t id, std::uint64_t delay_ms) {
  host_notice(context, allowed::running, "timer.start", [&](plugin_instance& instance) {
    if (!instance.tables.timer) {
      instance.misbehaves("it started a timer, but its manifest does not provide " TOCSIN_EXT_TIMER);
      return;
    }
    const std::chrono::milliseconds delay(std::min(delay_ms, longest_delay_ms));
    instance.timers.start(*instance.services.clock, id, delay, [&instance](std::uint64_t due, std::uint64_t run) {
      instance.tasks.post([&instance, due, run] { fire(instance, due, run); });
    });
  });
}

void cancel(void* context, std::uint64_t id) {
  host_notice(context, allowed::running, "timer.cancel",
              [&](plugin_instance& instance) { instance.timers.cancel(*instance.services.clock, id); });
}

}  // namespace

const tocsin_host_clock host_clock_table{sizeof(tocsin_host_clock), 0, &now_ms, &monotonic_ns};
const tocsin_host_timer host_timer_table{sizeof(tocsin_host_timer), 0, &start, &cancel};

}  // namespace tocsin
