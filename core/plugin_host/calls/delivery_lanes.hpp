// Deliveries on their way into a channel plugin: those of one endpoint one call at a time, and all of them together on
// the plugin's share of the pool's threads at most.
#pragma once

#include "core/model/message.hpp"
#include "core/plugin_host/plugin_instance.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace tocsin {

// What a call of channel.deliver() or channel.cancel() is about.
call_subject subject_of(std::span<const outgoing_message> messages);

// Kept by its own work that waits for a thread. [any thread]
class delivery_lanes : public std::enable_shared_from_this<delivery_lanes> {
 public:
  explicit delivery_lanes(plugin_instance& instance) : instance_(instance) {}

  void deliver(std::span<const outgoing_message> messages);
  // What waits behind a call that hangs is given back.
  void give_back_waiting();

 private:
  // Who finds a call under way (it may be one's own, further up the stack), or no thread free for the plugin, leaves
  // the messages to be taken along.
  struct lane {
    std::mutex mutex;
    bool busy = false;  // somebody is in it, or it waits for a thread
    std::vector<outgoing_message> waiting;
  };
  static constexpr std::size_t lane_count = 32;

  void deliver_to_one(std::span<const outgoing_message> messages);
  // Hands in what waits, until nothing does.
  void empty(lane& own);
  void hand_in(std::span<const outgoing_message> messages);
  void give_back(std::span<const outgoing_message> messages);

  plugin_instance& instance_;
  std::array<lane, lane_count> lanes_;
};

}  // namespace tocsin
