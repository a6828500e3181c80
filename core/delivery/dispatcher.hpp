// The dispatcher: hands each delivery to its channel until it is done.
#pragma once

#include "core/model/code.hpp"
#include "core/model/message.hpp"
#include "core/model/store.hpp"
#include "core/rendering/renderer.hpp"
#include "core/runtime/clock.hpp"
#include "core/runtime/executor.hpp"
#include "core/settings/settings.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace tocsin {

class failure_listener;

// What is counted where a delivery is done with for now.
struct delivery_measure {
  std::string_view channel;
  delivery_state state = delivery_state::deferred;
  std::string_view code;             // its last one; empty: nothing was tried
  bool attempted = false;            // an attempt ended it
  std::chrono::nanoseconds took{0};  // that attempt
  std::chrono::milliseconds age{0};  // since acceptance
};

struct dispatcher_parts {
  executor* pool = nullptr;
  tocsin::clock* clock = nullptr;
  tocsin::store* store = nullptr;
  const tocsin::renderer* renderer = nullptr;
  channel_directory channels;
  std::function<settings_ptr()> settings;  // what is in force now
  const code_table* codes = nullptr;
  identifier_source* identifiers = nullptr;
  std::function<double()> jitter;                         // 0..1
  std::function<void(const delivery_measure&)> measured;  // null: nobody counts. [any thread]
  // So many deliveries were taken back from this plugin, which did not complete them in time; null: nobody counts.
  // [any thread]
  std::function<void(const std::string& plugin, std::size_t deliveries)> taken_back;
  // What the code of an endpoint's preset and plugin has against its settings; asked before an endpoint is opened.
  // Null: nobody is asked. [control thread]
  std::function<std::optional<fault>(const endpoint_settings&)> check_settings;
  failure_listener* failures = nullptr;  // null: nobody is told
};

// All functions may be called from any thread. Each endpoint is opened when something is due on it and closed when it
// has been idle; its deliveries, bounded by its slots, are all that is held in memory.
class dispatcher {
 public:
  explicit dispatcher(dispatcher_parts parts);
  ~dispatcher();

  // Take up what the store has: pauses as they were, a look at every endpoint on which something waits.
  // crashed: the run before this one did; what it left interrupted may be why.
  void start(const recovery& found, bool crashed = false);

  // True: a free slot of the endpoint is kept for a delivery that is about to be written as leased. Each reservation
  // ends with hand_over() or release(). False: it is written as waiting; nobody gets a slot ahead of it until notify()
  // or forgo() has told of it.
  bool reserve(const endpoint_key& endpoint);
  void release(const endpoint_key& endpoint);
  // Reserved deliveries, now on disk.
  void hand_over(std::vector<leased_delivery> deliveries);
  // Deliveries were written without a slot: look for them as soon as there is one. refused: how many reservations were
  // refused to them.
  void notify(const endpoint_key& endpoint, std::uint32_t refused = 0);
  // So many deliveries that a reservation was refused to were not written after all.
  void forgo(const endpoint_key& endpoint, std::uint32_t refused);

  // An operator wants what waits on it to be tried now: its pause ends.
  void retry(const endpoint_key& endpoint);
  // Why nothing is sent over it, if it is paused.
  std::optional<endpoint_pause> pause_of(const endpoint_key& endpoint) const;

  // Outcomes from channels.
  void complete(std::vector<outcome> outcomes);

  // Other settings are in force: endpoints whose settings changed are opened anew, and their pauses end.
  void settings_changed();

  // No new attempt begins; what is in a channel's hands may end until `limit`, then it is given back. done is called
  // once.
  void drain(std::chrono::milliseconds limit, std::function<void()> done);

  // For /v1/channels and readiness.
  struct endpoint_status {
    endpoint_key key;
    std::uint32_t in_flight = 0;
    std::uint32_t slots = 0;
    std::optional<endpoint_pause> pause;
  };
  std::vector<endpoint_status> endpoints() const;

  // A delivery that so many runs of the host in a row did not survive is not given to its channel again after a crash.
  static constexpr std::uint32_t most_interruptions = 3;

  // How long leases are given for.
  static constexpr std::chrono::milliseconds lease_time = std::chrono::hours{1};

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin
