// Keeps the deliveries that a channel has and has not completed.
#include "core/plugin_host/extensions/outstanding_deliveries.hpp"

#include "core/plugin_host/abi_values.hpp"

#include <utility>

namespace tocsin {

void outstanding_deliveries::add(std::span<const outgoing_message> messages) {
  for (const outgoing_message& message : messages) {
    const tocsin_token token = abi::delivery_token(message.delivery, message.attempt);
    shard& at = shard_of(token);
    const std::lock_guard lock(at.mutex);
    at.entries.insert_or_assign(token, entry{token, message.endpoint, message.payload});
  }
}

bool outstanding_deliveries::take(tocsin_token delivery) {
  shard& at = shard_of(delivery);
  const std::lock_guard lock(at.mutex);
  return at.entries.erase(delivery) == 1;
}

template <class Wanted>
std::vector<outstanding_deliveries::entry> outstanding_deliveries::take_if(Wanted wanted) {
  std::vector<entry> taken;
  for (shard& at : shards_) {
    const std::lock_guard lock(at.mutex);
    for (auto next = at.entries.begin(); next != at.entries.end();) {
      if (wanted(next->second.endpoint)) {
        taken.push_back(std::move(next->second));
        next = at.entries.erase(next);
      } else {
        ++next;
      }
    }
  }
  return taken;
}

std::vector<outstanding_deliveries::entry> outstanding_deliveries::take_all(endpoint_token endpoint) {
  return take_if([&](const endpoint_token& of) { return of == endpoint; });
}

std::vector<outstanding_deliveries::entry> outstanding_deliveries::take_all() {
  return take_if([](const endpoint_token&) { return true; });
}

}  // namespace tocsin
