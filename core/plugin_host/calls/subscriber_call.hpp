// Calls of a subscriber plugin's table.
#pragma once

#include "core/model/event.hpp"
#include "core/plugin_host/plugin_instance.hpp"

#include <tocsin/abi/types.h>

#include <memory>
#include <span>
#include <string>

namespace tocsin {

// The token that names the subscription. [control]
result<tocsin_token> open_subscription(plugin_instance& instance, const subscriber_opening& opening);
// [control]
void close_subscription(plugin_instance& instance, tocsin_token token, const std::string& name);

// Calls for one subscription come one at a time. False: the plugin threw, and nobody knows what it made of them.
// [any thread]
bool feed_events(plugin_instance& instance, tocsin_token token, std::span<const std::shared_ptr<const event>> events,
                 std::uint64_t lost);

}  // namespace tocsin
