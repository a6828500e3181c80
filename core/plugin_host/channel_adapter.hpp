// A channel plugin as the delivery engine sees it.
#pragma once

#include "core/model/message.hpp"
#include "core/plugin_host/plugin_instance.hpp"

#include <array>
#include <mutex>
#include <span>
#include <vector>

namespace tocsin {

class channel_adapter final : public channel_port {
 public:
  explicit channel_adapter(plugin_instance& instance) : instance_(instance) {}

  result<opened_endpoint> open(const endpoint_settings& settings) override;
  void close(endpoint_token endpoint) override;
  void deliver(std::span<const outgoing_message> messages) override;
  void cancel(std::span<const outgoing_message> messages) override;
  bool wants(std::string_view part) const override;
  // What waits behind a call that hangs is given back.
  void plugin_hangs();

 private:
  // The plugin gets the deliveries of one endpoint one call at a time: who finds a call under way (it may be one's own,
  // further up the stack) leaves the messages for it to take along.
  struct lane {
    std::mutex mutex;
    bool busy = false;
    std::vector<outgoing_message> waiting;
  };
  static constexpr std::size_t lane_count = 32;

  void deliver_to_one(std::span<const outgoing_message> messages);
  void hand_in(std::span<const outgoing_message> messages);
  void give_back(std::span<const outgoing_message> messages);

  plugin_instance& instance_;
  std::array<lane, lane_count> lanes_;
};

// Opens an endpoint of a channel plugin, with a pool of its own or that of the settings.
result<opened_endpoint> open_endpoint(plugin_instance& instance, const endpoint_settings& settings, std::string pool);
void close_endpoint(plugin_instance& instance, endpoint_token endpoint);

}  // namespace tocsin
