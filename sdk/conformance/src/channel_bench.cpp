// SPDX-License-Identifier: Apache-2.0
// Lends endpoints and messages to a channel, and watches what becomes of them.
#include "sdk/conformance/src/channel_bench.hpp"

#include <thread>

namespace tocsin::conformance {
namespace {

const tocsin_message* lend(loan& lent, const message_spec& spec, tocsin_token delivery, bool newer) {
  const tocsin_event* event = nullptr;
  const std::size_t extra = newer ? 32 : 0;
  if (spec.with_event) {
    tocsin_event made{};
    made.struct_size = static_cast<std::uint32_t>(sizeof(made) + extra);
    made.id = lent.text("event-1");
    made.source = lent.text("/conformance");
    made.type = lent.text("org.example.conformance");
    made.time_ms = TOCSIN_NO_TIME;
    made.data = lent.bytes("{\"answer\":42}");
    made.severity = lent.text("info");
    made.expires_ms = TOCSIN_NO_TIME;
    event = lent.put(made, extra);
  }
  tocsin_message message{};
  message.struct_size = static_cast<std::uint32_t>(sizeof(message) + extra);
  message.attempt = 1;
  message.delivery = delivery;
  message.endpoint = spec.endpoint.token;
  message.recipient = lent.text(spec.recipient);
  message.organization = lent.text(spec.organization);
  message.language = lent.text("en");
  message.message_id = lent.text("kit-" + std::to_string(delivery.index) + "@conformance.example");
  message.created_ms = 1'700'000'000'000;
  message.subject = lent.text(spec.subject);
  message.text = lent.text(spec.text);
  message.html = lent.text(spec.html);
  message.event = event;
  return lent.put(message, extra);
}

}  // namespace

channel_bench::channel_bench(running& of)
    : table((of.on.need(TOCSIN_EXT_CHANNEL), of.need_table<tocsin_channel>(TOCSIN_EXT_CHANNEL))), plugin(of) {
  if (table == nullptr) throw skip_case{"the plugin has no table for " TOCSIN_EXT_CHANNEL};
}

bool channel_bench::open(std::string_view settings, open_endpoint& into, std::string& why, std::string_view pool) {
  loan lent("channel.open");
  const std::size_t extra = plugin.host.plan().newer ? 32 : 0;
  call_sink error(lent, "the error sink of channel.open", plugin.on.sink_limit);
  const tocsin_endpoint made{static_cast<std::uint32_t>(sizeof(tocsin_endpoint) + extra),
                             0,
                             lent.text("kit"),
                             lent.text(""),
                             lent.text(settings),
                             lent.text(""),
                             lent.text(pool)};
  const tocsin_endpoint* endpoint = lent.put(made, extra);
  auto* info =
      lent.put(tocsin_endpoint_info{static_cast<std::uint32_t>(sizeof(tocsin_endpoint_info) + extra), 0, {}}, extra);
  const tocsin_status status =
      control("channel.open", [&] { return table->open(plugin.self(), endpoint, info, error.raw()); });
  check_failure(status, error, "channel.open");
  why = error.text();
  if (status != TOCSIN_OK) return false;
  into = {info->token, info->slots};
  if (into.token.index == 0 && into.token.generation == 0)
    blackbox::breach(laws::channel_open, "open() answered TOCSIN_OK with the token {0, 0}, which names nothing");
  if (into.slots == 0) {
    blackbox::breach(laws::channel_open, "open() answered TOCSIN_OK with 0 slots");
    into.slots = 1;
  }
  return true;
}

open_endpoint channel_bench::must_open() {
  open_endpoint made;
  std::string why;
  if (!open(plugin.on.settings, made, why))
    throw skip_case{"it refuses the kit's settings (" + shown(why) + "); give it others with --settings"};
  return made;
}

std::vector<tocsin_token> channel_bench::deliver(const std::vector<message_spec>& batch) {
  return deliver_by(batch, false);
}

std::vector<tocsin_token> channel_bench::deliver_here(const std::vector<message_spec>& batch) {
  return deliver_by(batch, true);
}

std::vector<tocsin_token> channel_bench::deliver_by(const std::vector<message_spec>& batch, bool here) {
  std::vector<tocsin_token> tokens;
  loan lent("channel.deliver");
  std::vector<const tocsin_message*> messages;
  for (const message_spec& spec : batch) {
    tokens.push_back(plugin.host.deliveries.issue());
    messages.push_back(lend(lent, spec, tokens.back(), plugin.host.plan().newer));
  }
  const tocsin_message* const* list = lent.array(messages);
  const auto call = [&] { table->deliver(plugin.self(), list, messages.size()); };
  if (here) {
    call_plugin("channel.deliver", TOCSIN_THREAD_WORKER, call);
  } else {
    on_worker(plugin.host, "channel.deliver", call);
  }
  return tokens;
}

void channel_bench::cancel(const std::vector<tocsin_token>& deliveries) {
  loan lent("channel.cancel");
  const tocsin_token* list = lent.array(deliveries);
  call_plugin("channel.cancel", TOCSIN_THREAD_WORKER, [&] { table->cancel(plugin.self(), list, deliveries.size()); });
}

void channel_bench::close(open_endpoint endpoint) {
  control("channel.close", [&] { table->close(plugin.self(), endpoint.token); });
}

void channel_bench::expect_all_completed(std::string_view after) {
  kit_host& host = plugin.host;
  const std::string why = plugin.wait([&] { return host.deliveries.outstanding() == 0; });
  if (why.empty()) return;
  blackbox::breach(laws::complete,
                   "complete() was never called for " + std::to_string(host.deliveries.outstanding()) +
                       " of the deliveries that came in channel.deliver: " + std::string(after) + " (" + why + ")",
                   "channel.deliver");
  throw end_case{};
}

std::vector<message_spec> messages_for(open_endpoint endpoint, std::size_t count) {
  std::vector<message_spec> all(count);
  for (std::size_t index = 0; index < count; ++index) {
    all[index].endpoint = endpoint;
    all[index].subject = "Message " + std::to_string(index + 1);
  }
  return all;
}

}  // namespace tocsin::conformance
