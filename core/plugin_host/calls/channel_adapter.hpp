// A channel plugin as the delivery engine sees it.
#pragma once

#include "core/model/message.hpp"
#include "core/plugin_host/calls/delivery_lanes.hpp"
#include "core/plugin_host/plugin_instance.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tocsin {

class channel_adapter final : public channel_port {
 public:
  explicit channel_adapter(plugin_instance& instance)
      : instance_(instance), lanes_(std::make_shared<delivery_lanes>(instance)) {}

  result<opened_endpoint> open(const endpoint_settings& settings) override;
  void close(endpoint_token endpoint) override;
  void deliver(std::span<const outgoing_message> messages) override;
  void cancel(std::span<const outgoing_message> messages) override;
  void take_back(std::span<const outgoing_message> messages, std::chrono::milliseconds after) override;
  bool wants(std::string_view part) const override;
  // What waits behind a call that hangs is given back.
  void plugin_hangs();

 private:
  plugin_instance& instance_;
  const std::shared_ptr<delivery_lanes> lanes_;
};

// Opens an endpoint of a channel plugin, with a pool of its own or that of the settings.
result<opened_endpoint> open_endpoint(plugin_instance& instance, const endpoint_settings& settings, std::string pool);
void close_endpoint(plugin_instance& instance, endpoint_token endpoint);

}  // namespace tocsin
