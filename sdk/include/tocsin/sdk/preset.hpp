// SPDX-License-Identifier: Apache-2.0
// tocsin.preset/1: checks a channel's settings where the manifest's data cannot say it.
#pragma once

#include <tocsin/abi/ext/preset.h>
#include <tocsin/sdk/endpoint.hpp>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <string_view>

namespace tocsin::sdk {

// Takes what a preset has to say. Valid for the call.
class preset_report {
 public:
  explicit preset_report(const tocsin_preset_report& raw) noexcept : raw_(&raw) {}

  // The settings cannot work. text: what is wrong and what to do, one or two sentences.
  void error(std::string_view key, std::string_view code, std::string_view text) const noexcept {
    give(1, key, code, text);
  }
  // They work, but perhaps not as meant.
  void warning(std::string_view key, std::string_view code, std::string_view text) const noexcept {
    give(0, key, code, text);
  }

 private:
  void give(std::uint32_t fatal, std::string_view key, std::string_view code, std::string_view text) const noexcept {
    if (raw_->finding == nullptr) return;
    tocsin_preset_finding finding{};
    finding.struct_size = sizeof(finding);
    finding.fatal = fatal;
    finding.key = to_abi(key);
    finding.code = to_abi(code);
    finding.text = to_abi(text);
    raw_->finding(raw_->context, &finding);
  }

  const tocsin_preset_report* raw_;
};

class preset {
 public:
  virtual ~preset() = default;

  // [control] active. Look at an endpoint's effective settings. Must not touch the network.
  virtual void check(const endpoint& settings, const preset_report& report) = 0;
};

namespace detail {

template <class Plugin>
struct preset_calls {
  static void check(void* self, const tocsin_endpoint* settings, const tocsin_preset_report* report) noexcept {
    Plugin& object = *static_cast<Plugin*>(self);
    with_barrier(static_cast<const plugin&>(object).host(), "preset.check",
                 [&] { static_cast<preset&>(object).check(endpoint(*settings), preset_report(*report)); });
  }

  static constexpr tocsin_preset table{sizeof(tocsin_preset), 0, &check};
};

}  // namespace detail

}  // namespace tocsin::sdk
