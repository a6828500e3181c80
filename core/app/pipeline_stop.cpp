// The end of a host: each stage in the order of an event's way, all of it by one moment.
#include "core/app/pipeline_impl.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <string_view>
#include <utility>

#include "core/observe/log.hpp"

namespace tocsin {
namespace {

// All that a stop waits for is over by one moment; what each stage leaves to those after it:
constexpr std::chrono::seconds stop_limit{9};
constexpr std::chrono::milliseconds request_limit{500};  // for sources to answer what they were sent
constexpr std::chrono::seconds listener_limit{1};
constexpr std::chrono::seconds drain_limit{5};
constexpr std::chrono::seconds left_after_answers{4};
constexpr std::chrono::seconds left_after_drain{3};  // for plugins to close their connections, and for the store
constexpr std::chrono::milliseconds shortest_plugin_stop = std::chrono::seconds{1};

using moment = std::chrono::steady_clock::time_point;

std::chrono::milliseconds left_until(moment end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds{0});
}

// Waits until call has answered, at most for limit; what it may still do later is nobody's concern.
void wait_done(std::chrono::milliseconds limit, std::string_view what,
               const std::function<void(std::function<void()>)>& call) {
  const auto done = std::make_shared<std::promise<void>>();
  auto answered = done->get_future();
  call([done] { done->set_value(); });
  if (answered.wait_for(limit) != std::future_status::ready)
    log::write(log::level::warn, "stopping goes on without waiting any longer", {{"for", std::string(what)}});
}

}  // namespace

void pipeline::impl::stop() {
  if (std::exchange(stopped, true)) return;
  if (progress != nullptr) progress->when_ending({});
  ready = false;
  const moment end = std::chrono::steady_clock::now() + stop_limit;
  checks->stop();
  enter("closing HTTP connections");
  plugins->end_requests(request_limit);
  if (listener) listener->stop(listener_limit);
  enter("closing sources");
  {
    const std::lock_guard lock(control);
    closing = true;
    sources->close();
  }
  enter("answering publishers");
  wait_done(left_until(end - left_after_answers), "answers to publishers",
            [this](auto done) { bus->stop(std::move(done)); });
  enter("ending deliveries under way");
  const auto drain = std::min<std::chrono::milliseconds>(drain_limit, left_until(end - left_after_drain));
  wait_done(left_until(end - left_after_drain) + std::chrono::milliseconds{500}, "deliveries under way",
            [this, drain](auto done) { dispatcher->drain(drain, std::move(done)); });
  enter("closing subscribers");
  {
    const std::lock_guard lock(control);
    subscribers->close();
    secrets->close();
  }
  enter("stopping plugins");
  plugins->stop(std::max(left_until(end), shortest_plugin_stop));
  enter("closing the store");
  if (keeper) keeper->cut_short();
  store->close();
  keeper.reset();
  enter("ending threads");
  if (plugins->left_behind()) {
    pool->abandon(std::chrono::milliseconds{200});
  } else {
    checks->wait();
    pool->stop();
  }
  app::remove_address(state_dir);
  log::write(log::level::info, "stopped");
}

}  // namespace tocsin
