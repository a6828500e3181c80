// How many deliveries each endpoint may have in the hands of its channel, of those that the whole host may.
#include "core/delivery/engine.hpp"

#include <algorithm>
#include <utility>

namespace tocsin::delivery_engine {

// How many more an endpoint may take now: each one only as long as it has less than is left for others. So one alone
// has at most half of all, two a third each, and something is left for whoever comes; a server that hangs keeps what it
// has, and takes no more. Where nothing is left, those that have nothing take turns.
std::uint32_t engine::share_of(const endpoint& ep) const {
  if (hungry_ > 0 && fed_ != &ep) return 0;
  const std::size_t most = settings_ ? settings_->host().max_sending : host_settings{}.max_sending;
  const std::size_t used = flights_.size() + reserved_ + leasing_;
  const std::size_t left = most > used ? most - used : 0;
  const std::size_t own = std::max(ep.in_flight, ep.in_channel) + ep.reserved;
  return left > own ? static_cast<std::uint32_t>((left - own + 1) / 2) : 0;
}

void engine::wait_for_share(const endpoint_ptr& ep, std::uint32_t given) {
  if (std::exchange(ep->starved, true)) return;
  ep->hungry = given == 0 && std::max(ep->in_flight, ep->in_channel) + ep->reserved == 0;
  if (ep->hungry) ++hungry_;
  starved_.push_back(ep);
}

// Called after whatever may have made something free: those who wait for it take their turns, each once.
void engine::feed(engine_lock& lock) {
  if (stopped_ || draining_) return;
  for (auto turns = starved_.size(); turns > 0 && !starved_.empty(); --turns) {
    const auto ep = starved_.front();
    fed_ = ep.get();
    if (ep->hungry && share_of(*ep) == 0) break;  // nothing is left
    starved_.pop_front();
    ep->starved = false;
    if (std::exchange(ep->hungry, false)) --hungry_;
    advance(ep, lock);
  }
  fed_ = nullptr;
}

}  // namespace tocsin::delivery_engine
