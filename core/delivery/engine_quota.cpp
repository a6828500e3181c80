// What an endpoint may send in a second and in a day, as its settings say; kept over restarts.
#include "core/delivery/engine.hpp"
#include "core/model/timestamp.hpp"

#include <algorithm>

namespace tocsin::delivery_engine {
namespace {

// Beside its past pauses. No source can be called that.
constexpr const char* memory_source = "tocsin/endpoint";

std::string memory_name(const endpoint_key& key) { return "sent " + key.channel + "\n" + key.organization; }

}  // namespace

void engine::recall_quota(const endpoint_ptr& ep) {
  parts_.store->recall(memory_source, memory_name(ep->key),
                       [weak = weak_from_this(), ep](result<std::string> remembered) {
                         const auto self = weak.lock();
                         if (!self) return;
                         engine_lock lock(self->mutex_);
                         if (remembered) ep->quota.add_text(*remembered);
                         ep->quota_known = true;
                         self->start_pump(ep, lock);
                         self->advance(ep, lock);
                       });
}

// Before the outcomes themselves, so that both are in one commit, or this one is the earlier.
void engine::save_quota(const endpoint_ptr& ep, engine_lock& lock) {
  if (!std::exchange(ep->quota_unsaved, false)) return;
  lock.after([self = shared_from_this(), key = ep->key, text = ep->quota.to_text(), at = now()] {
    accept_batch remembered;
    remembered.memory.push_back({memory_source, memory_name(key), text});
    remembered.now = at;
    self->parts_.store->accept(std::move(remembered), [](const auto&) {});
  });
}

// How many more deliveries may be taken up.
std::uint64_t engine::quota_left(const endpoint& ep) const {
  if (ep.quota.limits().per_day > 0 && !ep.quota_known) return 0;
  const std::uint64_t under_way = std::max(ep.in_flight, ep.in_channel) + ep.reserved;
  return ep.quota.allowance(parts_.clock->monotonic(), now(), under_way, under_way - ep.in_channel);
}

// May one of those that were taken up begin?
bool engine::quota_lets_go(const endpoint& ep) const {
  if (ep.quota.limits().per_day > 0 && !ep.quota_known) return false;
  return ep.quota.allowance(parts_.clock->monotonic(), now(), ep.in_channel) > 0;
}

std::optional<hold> engine::quota_hold(const endpoint& ep, time_ms at) const {
  const auto until = ep.quota.used_up_until(at);
  if (!until) return std::nullopt;
  return hold{"QUOTA_EXCEEDED",
              "As many messages as limits.messages_per_day allows (" + std::to_string(ep.quota.limits().per_day) +
                  ") have been sent in the last 24 hours; it goes on at " + to_rfc3339(*until) + ".",
              false, std::chrono::milliseconds{*until - at}};
}

void engine::arm_for_quota(const endpoint& ep, const std::function<void(time_ms)>& consider, time_ms at) const {
  if (ep.may_have_due || ep.early_until > at || !ep.placed.empty()) {
    consider(at + ep.quota.wait(parts_.clock->monotonic()).count());
  }
  if (const auto until = ep.quota.used_up_until(at)) consider(*until);
}

}  // namespace tocsin::delivery_engine
