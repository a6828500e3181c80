// Calls a channel plugin's deliver(), on the thread that has the messages or, where the plugin has none left, on the
// next that is free.
#include "core/plugin_host/calls/delivery_lanes.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/guarded_call.hpp"
#include "core/plugin_host/plugin_lifetime.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {

call_subject subject_of(std::span<const outgoing_message> messages) {
  if (messages.empty()) return {};
  const outgoing_message& first = messages.front();
  return {.kind = "delivery",
          .number = static_cast<std::uint64_t>(first.delivery),
          .attempt = first.attempt,
          .more = messages.size() - 1,
          .event = first.payload ? std::string_view(first.payload->id) : std::string_view()};
}

void delivery_lanes::deliver(std::span<const outgoing_message> messages) {
  while (!messages.empty()) {
    const auto other = std::find_if(messages.begin(), messages.end(), [&](const outgoing_message& message) {
      return message.endpoint != messages.front().endpoint;
    });
    const auto count = static_cast<std::size_t>(other - messages.begin());
    deliver_to_one(messages.first(count));
    messages = messages.subspan(count);
  }
}

void delivery_lanes::deliver_to_one(std::span<const outgoing_message> messages) {
  const endpoint_token endpoint = messages.front().endpoint;
  lane& own = lanes_[(endpoint.index * 31 + endpoint.generation) % lane_count];
  bool at_once = false;
  bool has_thread = false;
  {
    const std::lock_guard lock(own.mutex);
    const bool hangs = instance_.is_hung();  // then it is not called, and nothing waits for it
    const bool in_line = own.busy && !hangs;
    if (!in_line && !hangs) has_thread = instance_.workers.enter();
    at_once = has_thread || hangs;
    if (!at_once) own.waiting.insert(own.waiting.end(), messages.begin(), messages.end());
    if (in_line) return;
    own.busy = true;
  }
  if (!at_once) return instance_.workers.post([self = shared_from_this(), &own] { self->empty(own); });
  hand_in(messages);
  empty(own);
  if (has_thread) instance_.workers.leave();
}

void delivery_lanes::empty(lane& own) {
  std::vector<outgoing_message> more;
  while (true) {
    more.clear();
    {
      const std::lock_guard lock(own.mutex);
      if (own.waiting.empty()) {
        own.busy = false;
        return;
      }
      more.swap(own.waiting);
    }
    hand_in(more);
  }
}

void delivery_lanes::give_back_waiting() {
  for (lane& one : lanes_) {
    std::vector<outgoing_message> waiting;
    {
      const std::lock_guard lock(one.mutex);
      waiting.swap(one.waiting);
    }
    if (!waiting.empty()) give_back(waiting);
  }
}

void delivery_lanes::hand_in(std::span<const outgoing_message> messages) {
  const auto pass = instance_.into_plugin.enter();
  if (!pass) return give_back(messages);
  const abi::message_batch batch(messages);
  instance_.deliveries.add(messages);
  if (guarded_call(instance_, "channel.deliver", subject_of(messages),
                   [&] { instance_.tables.channel->deliver(instance_.plugin->self, batch.data(), batch.size()); }))
    return;
  std::vector<outstanding_deliveries::entry> lost;
  for (const outgoing_message& message : messages) {
    const auto token = abi::delivery_token(message.delivery, message.attempt);
    if (instance_.deliveries.take(token)) lost.push_back({token, message.endpoint, message.payload});
  }
  report_lost(instance_, lost, "channel.deliver", "it threw instead of completing deliveries");
}

void delivery_lanes::give_back(std::span<const outgoing_message> messages) {
  const auto pass = instance_.into_host.enter();
  if (!pass || !instance_.services.complete) return;  // the whole host has stopped: the next start finds them
  std::vector<outcome> outcomes;
  for (const outgoing_message& message : messages) {
    outcome untouched;
    untouched.delivery = message.delivery;
    untouched.attempt = message.attempt;
    // Not returned where it hangs: the endpoint pauses until the settings name another, or the host restarts.
    if (instance_.is_hung()) {
      untouched.outcome_class = outcome_class::config;
      untouched.code = "PLUGIN_HUNG";
      untouched.detail = "The plugin " + instance_.about.id + " was not asked: " + instance_.hung_reason();
    } else {
      untouched.outcome_class = outcome_class::returned;
      untouched.detail = "The plugin " + instance_.about.id + " is stopping.";
    }
    outcomes.push_back(std::move(untouched));
  }
  instance_.services.complete(std::move(outcomes));
}

}  // namespace tocsin
