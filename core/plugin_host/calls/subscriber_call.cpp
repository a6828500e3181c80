// Opens, feeds and closes subscriptions.
#include "core/plugin_host/calls/subscriber_call.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"
#include "core/plugin_host/calls/guarded_call.hpp"

namespace tocsin {
namespace {

result<tocsin_token> open_now(plugin_instance& instance, const subscriber_opening& opening) {
  tocsin_subscription subscription{};
  subscription.struct_size = sizeof(subscription);
  subscription.name = abi::borrow(opening.name);
  subscription.settings = abi::borrow(opening.settings);
  const std::lock_guard control(instance.control);
  abi::gathering_sink reason(instance.late_sink("subscriber.open"));
  tocsin_token token{};
  const plugin_call call(instance, "subscriber.open", call_thread::control,
                         {.kind = "subscriber", .name = opening.name});
  const tocsin_status status =
      instance.tables.subscriber->open(instance.plugin->self, &subscription, &token, reason.raw());
  if (status != TOCSIN_OK) {
    return fault{"SETTINGS_INVALID",
                 reason.words("The plugin \"" + instance.about.id + "\" refuses the settings and gave no reason."),
                 {},
                 {}};
  }
  if (token.index == 0 && token.generation == 0) {
    instance.misbehaves("it named a subscription {0, 0}, which is no name", opening.name);
    return fault{"SETTINGS_INVALID", "The plugin \"" + instance.about.id + "\" gave the subscription no name.", {}, {}};
  }
  return token;
}

void close_now(plugin_instance& instance, tocsin_token token, const std::string& name) {
  const std::lock_guard control(instance.control);
  const auto pass = instance.into_plugin.enter();
  if (!pass) return;  // it was stopped, which closes every subscription
  const plugin_call call(instance, "subscriber.close", call_thread::control, {.kind = "subscriber", .name = name});
  instance.tables.subscriber->close(instance.plugin->self, token);
}

}  // namespace

result<tocsin_token> open_subscription(plugin_instance& instance, const subscriber_opening& opening) {
  return call_bounded<tocsin_token>(instance, "subscriber.open", "subscriber " + opening.name,
                                    [&instance, opening] { return open_now(instance, opening); });
}

void close_subscription(plugin_instance& instance, tocsin_token token, const std::string& name) {
  static_cast<void>(call_bounded<void>(instance, "subscriber.close", "subscriber " + name,
                                       [&instance, token, name]() -> result<void> {
                                         close_now(instance, token, name);
                                         return {};
                                       }));
}

bool feed_events(plugin_instance& instance, tocsin_token token, std::span<const std::shared_ptr<const event>> events,
                 std::uint64_t lost) {
  const auto pass = instance.into_plugin.enter();
  if (!pass) return true;
  const abi::event_batch batch(events);
  const call_subject about{.kind = events.empty() ? std::string_view() : "event",
                           .name = events.empty() ? std::string_view() : std::string_view(events.front()->id),
                           .more = events.empty() ? 0 : events.size() - 1};
  return guarded_call(instance, "subscriber.events", about, [&] {
    instance.tables.subscriber->events(instance.plugin->self, token, batch.data(), batch.size(), lost);
  });
}

}  // namespace tocsin
