// SPDX-License-Identifier: Apache-2.0
// tocsin.preset/1: checks a channel's settings where the manifest's data cannot say it.
#pragma once

#include <tocsin/abi/ext/preset.h>
#include <tocsin/sdk/endpoint.hpp>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/finding.hpp>
#include <tocsin/sdk/plugin.hpp>

namespace tocsin::sdk {

class preset {
 public:
  virtual ~preset() = default;

  // [control] active. Look at an endpoint's effective settings. Must not touch the network.
  virtual void check(const endpoint& settings, const finding_report& report) = 0;
};

namespace detail {

template <class Plugin>
struct preset_calls {
  static void check(void* self, const tocsin_endpoint* settings, const tocsin_finding_report* report) noexcept {
    Plugin& object = *static_cast<Plugin*>(self);
    with_barrier(static_cast<const plugin&>(object).host(), "preset.check",
                 [&] { static_cast<preset&>(object).check(endpoint(*settings), finding_report(*report)); });
  }

  static constexpr tocsin_preset table{sizeof(tocsin_preset), 0, &check};
};

}  // namespace detail

}  // namespace tocsin::sdk
