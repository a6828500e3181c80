// A plugin's word on itself (tocsin.health/1), and asking for it.
#pragma once

#include "core/runtime/clock.hpp"
#include "core/runtime/executor.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

struct plugin_instance;

enum class health_state : std::uint8_t { good, degraded, failing };
std::string_view to_text(health_state state);

struct plugin_health {
  health_state state = health_state::good;
  std::string text;  // one sentence for an operator; empty where it is good and has nothing to say

  bool operator==(const plugin_health&) const = default;
};

// Asks the plugin now; a state that the host does not know is failing. Nothing: it does not run any more. [worker]
std::optional<plugin_health> ask_for_health(plugin_instance& instance);

// Asks each plugin that has a word on itself when it comes up, every `interval`, and when somebody wants to know; on
// the pool, one question at a time for each plugin, so that one that hangs is the watchdog's matter. A change is a line
// in the log. [any thread]
class health_monitor {
 public:
  static constexpr std::chrono::milliseconds interval = std::chrono::seconds{15};
  // Whoever wants to know gets what is at most about this old the next time.
  static constexpr std::chrono::milliseconds fresh_for = std::chrono::seconds{1};

  // changed: called when an answer is another one than before, the first included.
  health_monitor(executor& pool, clock& time, std::function<void(plugin_instance&, const plugin_health&)> changed);
  ~health_monitor();  // stop()

  // A plugin without tocsin.health/1 is passed over.
  void add(plugin_instance& instance);
  // Ask everybody whose answer is not fresh; returns at once.
  void refresh();
  // `changed` is not called any more.
  void stop();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace tocsin
