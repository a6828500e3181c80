// Subscriptions that a plugin's code takes events for.
#pragma once

#include "core/model/event.hpp"
#include "core/model/fault.hpp"
#include "core/plugin_host/calls/table_opening.hpp"

#include <tocsin/abi/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace tocsin {

// An open subscription.
class subscriber_port {
 public:
  virtual ~subscriber_port() = default;
  // Hands events over; the calls come one at a time. lost: how many were passed over since the call before. False:
  // nobody knows what became of them, since the plugin threw, or does not run any more. [any thread]
  virtual bool take(std::span<const std::shared_ptr<const event>> events, std::uint64_t lost) = 0;
  // No take() any more, and none is under way. [control]
  virtual void close() = 0;
};
using subscriber_ptr = std::shared_ptr<subscriber_port>;

// A fault, SETTINGS_INVALID: the plugin refuses the settings, or does not run (instance is null). [control]
result<subscriber_ptr> open_subscriber(plugin_instance* instance, const std::string& plugin,
                                       const table_opening& opening);

// One call of take()'s.
bool feed_events(plugin_instance& instance, tocsin_token token, std::span<const std::shared_ptr<const event>> events,
                 std::uint64_t lost);

}  // namespace tocsin
