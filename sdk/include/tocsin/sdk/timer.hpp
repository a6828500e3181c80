// SPDX-License-Identifier: Apache-2.0
// tocsin.timer/1: is called when a timer of the host's runs out.
#pragma once

#include <tocsin/abi/ext/clock.h>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <cstdint>

namespace tocsin::sdk {

class timer {
 public:
  virtual ~timer() = default;

  // [worker] active, draining. The delay of host().start_timer(id, ...) is over.
  virtual void fired(std::uint64_t id) = 0;
};

namespace detail {

template <class Plugin>
struct timer_calls {
  static void fired(void* self, std::uint64_t id) noexcept {
    Plugin& object = *static_cast<Plugin*>(self);
    with_barrier(static_cast<const plugin&>(object).host(), "timer.fired",
                 [&] { static_cast<timer&>(object).fired(id); });
  }

  static constexpr tocsin_timer table{sizeof(tocsin_timer), 0, &fired};
};

}  // namespace detail

}  // namespace tocsin::sdk
