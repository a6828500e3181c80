// SPDX-License-Identifier: Apache-2.0
// tocsin.channel/1: takes messages out of the house.
#pragma once

#include <tocsin/abi/ext/channel.h>
#include <tocsin/sdk/endpoint.hpp>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/message.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <cstdint>
#include <type_traits>

namespace tocsin::sdk {

// The answer to open().
struct opened_endpoint {
  token name{};             // names the endpoint from now on; token_table makes such names
  std::uint32_t slots = 1;  // how many deliveries it takes at once
};

class channel {
 public:
  virtual ~channel() = default;

  // [control] active. Take an endpoint's settings; connect nothing yet. An exception: these settings cannot work,
  // what() says why, and the endpoint is paused as SETTINGS_INVALID.
  virtual opened_endpoint open(const endpoint& settings) = 0;

  // [control] active, draining. Complete or return (outcome_class::returned) the deliveries that the endpoint still
  // has, and end its connections, before this returns.
  virtual void close(token endpoint) = 0;

  // [worker] active. Begin one delivery and return at once; complete it exactly once through host().complete(), now or
  // later, from any thread. The message is borrowed for the call. Throw only if it was neither completed nor begun: it
  // is then completed as transient, PLUGIN_CRASHED, with what().
  virtual void deliver(const message& /*one*/) {
    throw failure(TOCSIN_UNSUPPORTED, "the channel has neither deliver() nor deliver_batch()");
  }

  // [worker] active. The same for a batch; override it where a batch is cheaper than its messages one by one. An
  // exception completes the whole batch as uncertain, PLUGIN_CRASHED, since nobody knows how far it came. Needs host(),
  // and so is passed it.
  virtual void deliver_batch(const messages& batch, const host_api& host) {
    for (const message one : batch) {
      try {
        deliver(one);
      } catch (...) {
        complete_after_exception(host, one, outcome_class::transient);
      }
    }
  }

  // [any] active, draining. Give these back as soon as possible: one that was not begun is completed as returned, one
  // whose data is on its way ends as it ends. Unknown or completed ones are passed over. Nothing to do for a channel
  // that completes everything within deliver().
  virtual void cancel(const tokens& /*deliveries*/) {}

 protected:
  // Call it in a catch block.
  static void complete_after_exception(const host_api& host, const message& one, outcome_class result) noexcept {
    detail::translate_current_exception([&](std::string_view text) noexcept {
      host.complete(one.delivery(), outcome::failed(result, "PLUGIN_CRASHED", text));
    });
  }

 private:
  template <class Plugin>
  friend struct detail::channel_calls;
};

namespace detail {

template <class Plugin>
struct channel_calls {
  static channel& object(void* self) noexcept { return *static_cast<Plugin*>(self); }
  static const host_api& host(void* self) noexcept {
    return static_cast<const plugin*>(static_cast<Plugin*>(self))->host();
  }

  static tocsin_status open(void* self, const tocsin_endpoint* settings, tocsin_endpoint_info* info,
                            const tocsin_sink* error) noexcept {
    return with_barrier(error, [&] {
      const opened_endpoint opened = object(self).open(endpoint(*settings));
      info->slots = opened.slots;
      info->token = opened.name;
    });
  }

  static void close(void* self, tocsin_token endpoint) noexcept {
    with_barrier(host(self), "channel.close", [&] { object(self).close(endpoint); });
  }

  static void deliver(void* self, const tocsin_message* const* list, std::uint64_t count) noexcept {
    const messages batch(list, count);
    try {
      object(self).deliver_batch(batch, host(self));
    } catch (...) {
      for (const message one : batch) {
        channel::complete_after_exception(host(self), one, outcome_class::uncertain);
      }
    }
  }

  static void cancel(void* self, const tocsin_token* deliveries, std::uint64_t count) noexcept {
    with_barrier(host(self), "channel.cancel", [&] { object(self).cancel(tokens(deliveries, count)); });
  }

  static constexpr tocsin_channel table{sizeof(tocsin_channel), 0, &open, &close, &deliver, &cancel};
};

}  // namespace detail

}  // namespace tocsin::sdk
