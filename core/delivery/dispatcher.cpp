// The dispatcher's public face; the work is the engine's.
#include "core/delivery/dispatcher.hpp"

#include "core/delivery/engine.hpp"

#include <utility>

namespace tocsin {

// Shared, because the store, the clock and the pool may still hold a call into it when the dispatcher goes.
struct dispatcher::impl {
  std::shared_ptr<delivery_engine::engine> engine;
};

dispatcher::dispatcher(dispatcher_parts parts) : impl_(std::make_unique<impl>()) {
  impl_->engine = std::make_shared<delivery_engine::engine>(std::move(parts));
}

dispatcher::~dispatcher() { impl_->engine->stop(); }

void dispatcher::start(const recovery& found, bool crashed) { impl_->engine->start(found, crashed); }
bool dispatcher::reserve(const endpoint_key& endpoint) { return impl_->engine->reserve(endpoint); }
void dispatcher::release(const endpoint_key& endpoint) { impl_->engine->release(endpoint); }
void dispatcher::hand_over(std::vector<leased_delivery> deliveries) { impl_->engine->hand_over(std::move(deliveries)); }
void dispatcher::notify(const endpoint_key& endpoint, std::uint32_t refused) {
  impl_->engine->notify(endpoint, refused);
}
void dispatcher::forgo(const endpoint_key& endpoint, std::uint32_t refused) { impl_->engine->forgo(endpoint, refused); }
void dispatcher::retry(const endpoint_key& endpoint) { impl_->engine->retry(endpoint); }
std::optional<endpoint_pause> dispatcher::pause_of(const endpoint_key& endpoint) const {
  return impl_->engine->pause_of(endpoint);
}
void dispatcher::complete(std::vector<outcome> outcomes) { impl_->engine->complete(std::move(outcomes)); }
void dispatcher::settings_changed() { impl_->engine->settings_changed(); }
void dispatcher::drain(std::chrono::milliseconds limit, std::function<void()> done) {
  impl_->engine->drain(limit, std::move(done));
}
std::vector<dispatcher::endpoint_status> dispatcher::endpoints() const { return impl_->engine->endpoints(); }

}  // namespace tocsin
