// SPDX-License-Identifier: Apache-2.0
// tocsin.health/1: a plugin's word on itself.
#pragma once

#include <tocsin/abi/ext/health.h>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace tocsin::sdk {

struct health_report {
  tocsin_health_state state = TOCSIN_HEALTH_GOOD;
  std::string text;  // one sentence for an operator; empty where all is good

  static health_report good() { return {}; }
  // It works, but somebody should look.
  static health_report degraded(std::string text) { return {TOCSIN_HEALTH_DEGRADED, std::move(text)}; }
  // It cannot do its work.
  static health_report failing(std::string text) { return {TOCSIN_HEALTH_FAILING, std::move(text)}; }
};

class health {
 public:
  virtual ~health() = default;

  // [worker] active. Answer at once from what is known: no lock that work is done under, no network. An exception: it
  // is failing, and what() is the sentence.
  virtual health_report check_health() = 0;
};

namespace detail {

template <class Plugin>
struct health_calls {
  static tocsin_health_state check(void* self, const tocsin_sink* text) noexcept {
    tocsin_health_state state = TOCSIN_HEALTH_FAILING;
    with_barrier(text, [&] {
      const health_report report = static_cast<health&>(*static_cast<Plugin*>(self)).check_health();
      if (!report.text.empty()) write(text, report.text);
      state = report.state;
    });
    return state;
  }

  static constexpr tocsin_health table{sizeof(tocsin_health), 0, &check};
};

}  // namespace detail

}  // namespace tocsin::sdk
