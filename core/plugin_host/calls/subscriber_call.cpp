// Opens, feeds and closes subscriptions.
#include "core/plugin_host/calls/subscriber_call.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/guarded_call.hpp"

#include <utility>

namespace tocsin {
namespace {

constexpr opened_kind subscription_kind{
    .thing = "subscription",
    .subject = "subscriber",
    .remedy = "Correct the subscriber's settings; tocsin plugin list shows what is installed.",
    .table = "subscribers",
    .open = "subscriber.open",
    .close = "subscriber.close"};

tocsin_status open_now(plugin_instance& instance, tocsin_string name, tocsin_string settings, tocsin_token& token,
                       const tocsin_sink* error) {
  tocsin_subscription subscription{};
  subscription.struct_size = sizeof(subscription);
  subscription.name = name;
  subscription.settings = settings;
  return instance.tables.subscriber->open(instance.plugin->self, &subscription, &token, error);
}

void close_now(plugin_instance& instance, tocsin_token token) {
  instance.tables.subscriber->close(instance.plugin->self, token);
}

class open_subscription final : public subscriber_port {
 public:
  open_subscription(plugin_instance& instance, std::string name, tocsin_token token)
      : instance_(instance), name_(std::move(name)), token_(token) {}

  bool take(std::span<const std::shared_ptr<const event>> events, std::uint64_t lost) override {
    return feed_events(instance_, token_, events, lost);
  }
  void close() override { close_named(instance_, subscription_kind, name_, token_, &close_now); }

 private:
  plugin_instance& instance_;
  const std::string name_;
  const tocsin_token token_;
};

}  // namespace

result<subscriber_ptr> open_subscriber(plugin_instance* instance, const std::string& plugin,
                                       const table_opening& opening) {
  const std::string named = "The plugin \"" + plugin + "\" ";
  if (!instance) return opening_refused(subscription_kind, opening.name, named + "does not run.");
  if (!instance->tables.subscriber)
    return opening_refused(subscription_kind, opening.name, named + "is no subscriber.");
  const auto token = open_named(*instance, subscription_kind, opening, &open_now);
  if (!token) return token.error();
  return subscriber_ptr(std::make_shared<open_subscription>(*instance, opening.name, *token));
}

bool feed_events(plugin_instance& instance, tocsin_token token, std::span<const std::shared_ptr<const event>> events,
                 std::uint64_t lost) {
  const auto pass = instance.into_plugin.enter();
  if (!pass) return false;
  const abi::event_batch batch(events);
  const call_subject about{.kind = events.empty() ? std::string_view() : "event",
                           .name = events.empty() ? std::string_view() : std::string_view(events.front()->id),
                           .more = events.empty() ? 0 : events.size() - 1};
  return guarded_call(instance, "subscriber.events", about, [&] {
    instance.tables.subscriber->events(instance.plugin->self, token, batch.data(), batch.size(), lost);
  });
}

}  // namespace tocsin
