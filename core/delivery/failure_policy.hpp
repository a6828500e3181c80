// The host's own failures as events: what each holds, how often it is said, and what keeps them from feeding
// themselves. Pure: no I/O, no clock.
#pragma once

#include "core/model/code.hpp"
#include "core/model/delivery.hpp"
#include "core/model/event.hpp"
#include "core/model/store.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// The CloudEvents source of all of them.
inline constexpr std::string_view failure_source = "/tocsin/host";

// A delivery that ended dead or expired.
struct delivery_failure {
  delivery_id id{};
  endpoint_key endpoint;     // that it ended on
  std::string organization;  // of its event
  std::string recipient;
  std::string message_id;
  std::string event_source, event_id, event_type;  // CloudEvents source, id, type
  delivery_state state = delivery_state::dead;
  std::string code, detail, server_reply;
  time_ms at = 0;
};

// A plugin that the settings name and that does not run, or does not come back from a call.
struct plugin_failure {
  std::string plugin, version, build_id;
  std::string state;  // "refused", "failed", "quarantined", "missing" or "hung"
  std::string reason;
  time_ms at = 0;
};

// What takes failures where they happen. Called without locks, from any thread; must not block.
class failure_listener {
 public:
  virtual ~failure_listener() = default;
  // Before the settlement is handed to the store, whose calls are carried out in order.
  virtual void failed(const delivery_failure& what) = 0;
  // In the order in which they happened, after the pause was handed to the store.
  virtual void paused(const endpoint_pause& what) = 0;
  virtual void resumed(const endpoint_key& key, time_ms at, std::string_view why) = 0;
};

// Is it one of these events? A delivery of one that fails makes no further event.
bool tells_of_failure(const event& value);
// Would it be said over the very endpoint whose failure it tells of?
bool tells_of_failure_of(const event& value, const endpoint_key& endpoint);

// Failures of one endpoint that are said together.
struct failure_summary {
  delivery_failure first;
  std::uint64_t count = 1;
  std::map<std::string, std::uint64_t> codes;  // how many of each
  time_ms last = 0;
  bool at_least = false;  // after a crash: how many more there were is not known
};

// When an endpoint's failed deliveries are said: those of the first seconds together, then what comes within minutes
// together, so that an avalanche is a handful of events. One an endpoint.
class failure_window {
 public:
  static constexpr std::chrono::milliseconds gather{5'000};
  static constexpr std::chrono::milliseconds quiet{600'000};  // from one event to the next
  static constexpr std::size_t most_codes = 16;               // beyond them a code is counted as OTHER

  // True: it is the first of a summary, which is to be taken when due() has come.
  bool add(const delivery_failure& what);
  time_ms due() const { return due_; }
  // The summary, now that it is said; begins the quiet time.
  std::optional<failure_summary> take(time_ms now);
  bool is_idle(time_ms now) const { return !open_ && now >= quiet_until_; }
  time_ms quiet_until() const { return quiet_until_; }

 private:
  std::optional<failure_summary> open_;
  time_ms due_ = 0;
  time_ms quiet_until_ = 0;
};

// The same failure makes an event of the same id: a repeat after a crash is a duplicate.
event make_channel_down(const endpoint_pause& pause, const code_entry& code);
// since: of the pause that has ended.
event make_channel_up(const endpoint_key& key, time_ms since, time_ms now, std::string_view why);
event make_delivery_failed(const failure_summary& what, const code_table& codes);
event make_plugin_failed(const plugin_failure& what);

}  // namespace tocsin
