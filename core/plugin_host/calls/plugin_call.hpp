// A call of the host's into a plugin, on record while it lasts: so that a call that hangs can be named, and so that a
// plugin that calls back is known to be on the thread and within the call that it is on.
#pragma once

#include "core/runtime/clock.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

struct plugin_instance;

// Who is called. Kept by the instance for as long as the process lives.
struct plugin_identity {
  std::string id;
  std::string version;
  std::string build_id;  // hexadecimal; empty: none
};

// How the function is tagged in the binary interface; [any] counts as worker.
enum class call_thread : std::uint8_t { control, worker };

// What a call is about, beside the plugin: a delivery ("delivery 17, attempt 2") or something with a name.
struct call_subject {
  std::string_view kind = {};  // "delivery", "event", "source", ...; empty: about nothing in particular. Literals only.
  std::string_view name = {};  // borrowed for the length of the call
  std::uint64_t number = 0;
  std::uint64_t attempt = 0;    // of a delivery
  std::uint64_t more = 0;       // how many others are in the same call
  std::string_view event = {};  // of a delivery: its event's id; borrowed as the name is
};

// "delivery 17, attempt 2, event 4711, and 3 more"; empty: about nothing in particular.
std::string to_text(const call_subject& about);

// One call as it was seen from outside.
struct call_record {
  std::uint64_t serial = 0;  // no two calls have the same
  const plugin_identity* identity =
      nullptr;  // the instance's own, to tell two of one plugin apart; may be compared only
  plugin_identity plugin;
  std::string call;  // "channel.deliver"
  call_thread thread = call_thread::worker;
  std::chrono::nanoseconds begun{0};  // by the clock's monotonic()
  std::int64_t thread_id = 0;         // the system's
  std::string about;                  // to_text() of its subject
};

// Made right before the call and gone right after it, on the thread that calls. Costs two uncontended locks. `call` is
// a literal.
class plugin_call {
 public:
  plugin_call(const plugin_identity& plugin, const tocsin::clock& clock, std::string_view call, call_thread thread,
              call_subject about = {});
  plugin_call(const plugin_instance& instance, std::string_view call, call_thread thread, call_subject about = {});
  ~plugin_call();
  plugin_call(const plugin_call&) = delete;
  plugin_call& operator=(const plugin_call&) = delete;

  // The innermost call into this plugin on the calling thread; null: the host is not calling it here. Valid on this
  // thread, as long as that call lasts.
  static const plugin_call* current(const plugin_identity& plugin);
  // The innermost call into any plugin on the calling thread; null: there is none. Async-signal-safe.
  static const plugin_call* innermost();

  const plugin_identity& plugin() const { return plugin_; }
  const call_subject& about() const { return about_; }
  std::string_view call() const { return call_; }
  call_thread thread() const { return thread_; }

 private:
  friend std::vector<call_record> calls_under_way();

  call_record record(std::int64_t thread_id) const;

  const plugin_identity& plugin_;
  const std::string_view call_;
  const call_thread thread_;
  const call_subject about_;
  const std::chrono::nanoseconds begun_;
  const std::uint64_t serial_;
  plugin_call* const outer_;  // the call on this thread within which this one was made
};

// Every call into any plugin that is under way, of all threads. A call that ended meanwhile may be missing, never
// half there. [any thread]
std::vector<call_record> calls_under_way();

}  // namespace tocsin
