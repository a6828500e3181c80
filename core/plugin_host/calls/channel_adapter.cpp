// Calls a channel plugin's table on the delivery engine's behalf.
#include "core/plugin_host/calls/channel_adapter.hpp"

#include "core/plugin_host/abi_values.hpp"
#include "core/plugin_host/calls/bounded_call.hpp"
#include "core/plugin_host/calls/guarded_call.hpp"
#include "core/plugin_host/plugin_lifetime.hpp"

#include <algorithm>
#include <utility>

namespace tocsin {
namespace {

fault refused(const endpoint_settings& settings, std::string code, std::string what) {
  if (!what.empty() && what.back() != '.') what += '.';
  return {std::move(code),
          std::move(what),
          "Correct the channel's settings and reload.",
          {.file = {}, .key = "channels." + settings.key.channel}};
}

result<opened_endpoint> open_now(plugin_instance& instance, const endpoint_settings& settings, std::string pool) {
  const abi::endpoint_view endpoint(settings, std::move(pool));
  const std::lock_guard control(instance.control);
  const auto pass = instance.into_plugin.enter();
  if (!pass) return refused(settings, "CHANNEL_UNKNOWN", "The plugin " + instance.about.id + " is not running.");
  abi::gathering_sink reason(instance.late_sink("channel.open"));
  tocsin_endpoint_info info{};
  info.struct_size = sizeof(info);
  const plugin_call call(instance, "channel.open", call_thread::control,
                         {.kind = "channel", .name = settings.key.channel});
  const tocsin_status status =
      instance.tables.channel->open(instance.plugin->self, endpoint.raw(), &info, reason.raw());
  if (status != TOCSIN_OK) {
    return refused(settings, "SETTINGS_INVALID",
                   reason.words("The plugin " + instance.about.id + " refuses the settings and gave no reason."));
  }
  if (info.token.index == 0 && info.token.generation == 0) {
    instance.misbehaves("it named an endpoint {0, 0}, which is no name", settings.key.channel);
    return refused(settings, "SETTINGS_INVALID", "The plugin " + instance.about.id + " gave the endpoint no name.");
  }
  if (info.slots == 0) instance.misbehaves("it opened an endpoint without a slot", settings.key.channel);
  return opened_endpoint{{info.token.index, info.token.generation}, std::max(info.slots, 1u)};
}

void close_now(plugin_instance& instance, endpoint_token endpoint) {
  const std::lock_guard control(instance.control);
  const auto pass = instance.into_plugin.enter();
  if (!pass) return;  // it was stopped, which closes every endpoint
  {
    const plugin_call call(instance, "channel.close", call_thread::control,
                           {.kind = "endpoint", .number = endpoint.index});
    instance.tables.channel->close(instance.plugin->self, {endpoint.index, endpoint.generation});
  }
  report_lost(instance, instance.deliveries.take_all(endpoint), "channel.close",
              "it closed an endpoint without completing deliveries");
}

}  // namespace

result<opened_endpoint> open_endpoint(plugin_instance& instance, const endpoint_settings& settings, std::string pool) {
  auto opened = call_bounded<opened_endpoint>(
      instance, "channel.open", "channel " + settings.key.channel,
      [&instance, settings, pool = std::move(pool)] { return open_now(instance, settings, pool); });
  if (opened || opened.error().code == "SETTINGS_INVALID" || opened.error().code == "CHANNEL_UNKNOWN") return opened;
  return refused(settings, opened.error().code, "The plugin " + instance.about.id + ": " + opened.error().what);
}

void close_endpoint(plugin_instance& instance, endpoint_token endpoint) {
  static_cast<void>(call_bounded<void>(instance, "channel.close", "endpoint " + std::to_string(endpoint.index),
                                       [&instance, endpoint]() -> result<void> {
                                         close_now(instance, endpoint);
                                         return {};
                                       }));
}

result<opened_endpoint> channel_adapter::open(const endpoint_settings& settings) {
  return open_endpoint(instance_, settings, abi::pool_of(settings));
}

void channel_adapter::close(endpoint_token endpoint) { close_endpoint(instance_, endpoint); }

void channel_adapter::deliver(std::span<const outgoing_message> messages) { lanes_->deliver(messages); }

void channel_adapter::plugin_hangs() { lanes_->give_back_waiting(); }

void channel_adapter::cancel(std::span<const outgoing_message> messages) {
  const auto pass = instance_.into_plugin.enter();
  if (!pass) return;
  std::vector<tocsin_token> tokens;
  tokens.reserve(messages.size());
  for (const outgoing_message& message : messages)
    tokens.push_back(abi::delivery_token(message.delivery, message.attempt));
  guarded_call(instance_, "channel.cancel", subject_of(messages),
               [&] { instance_.tables.channel->cancel(instance_.plugin->self, tokens.data(), tokens.size()); });
}

void channel_adapter::take_back(std::span<const outgoing_message> messages, std::chrono::milliseconds after) {
  const auto pass = instance_.into_host.enter();
  if (!pass) return;
  std::vector<outstanding_deliveries::entry> late;
  for (const outgoing_message& message : messages) {
    const auto token = abi::delivery_token(message.delivery, message.attempt);
    if (instance_.deliveries.take(token)) late.push_back({token, message.endpoint, message.payload});
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(after).count();
  report_late(instance_, late, "channel.deliver",
              "it did not complete deliveries within " + std::to_string(seconds) + " s; they are taken back from it");
}

bool channel_adapter::wants(std::string_view part) const {
  const auto& parts = instance_.about.parts;
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

}  // namespace tocsin
