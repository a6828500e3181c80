// SPDX-License-Identifier: Apache-2.0
// tocsin.config/1: what a plugin's code has to say of its settings, and settings of an older version brought up to
// date.
#pragma once

#include <tocsin/abi/ext/config.h>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/finding.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::sdk {

// The settings of one table, as the host lends them for the call.
class config_input {
 public:
  explicit config_input(const tocsin_config_input& raw) noexcept : raw_(&raw) {}

  // "channels", "sources", "subscribers" or "secrets".
  std::string_view table() const noexcept { return view(raw_->table); }
  std::string_view name() const noexcept { return view(raw_->name); }                  // NAME of [table.NAME]
  std::string_view organization() const noexcept { return view(raw_->organization); }  // empty: the host
  // JSON: whole and in their final form for check_settings(), as they were written for migrate_settings().
  std::string_view settings() const noexcept { return view(raw_->settings); }

 private:
  const tocsin_config_input* raw_;
};

class config {
 public:
  virtual ~config() = default;

  // [control] active. Look at settings that hold the schema. Must not touch the network. An exception is an error about
  // all of them.
  virtual void check_settings(const config_input& /*input*/, const finding_report& /*report*/) {}

  // [control] active. Settings that do not hold the schema, as they were written: if they are an older version's, the
  // whole table in today's form, and a warning for each key that says what became of it. Nothing: they were never
  // right.
  virtual std::optional<std::string> migrate_settings(const config_input& /*input*/, const finding_report& /*report*/) {
    return std::nullopt;
  }
};

namespace detail {

template <class Plugin>
struct config_calls {
  static config& object(void* self) noexcept { return *static_cast<Plugin*>(self); }

  static void check(void* self, const tocsin_config_input* input, const tocsin_finding_report* report) noexcept {
    const finding_report findings(*report);
    try {
      object(self).check_settings(config_input(*input), findings);
    } catch (...) {
      translate_current_exception(
          [&](std::string_view text) noexcept { findings.error({}, "SETTINGS_INVALID", text); });
    }
  }

  static tocsin_status migrate(void* self, const tocsin_config_input* input, const tocsin_sink* settings,
                               const tocsin_finding_report* report) noexcept {
    const finding_report findings(*report);
    try {
      const auto made = object(self).migrate_settings(config_input(*input), findings);
      if (!made) return TOCSIN_UNSUPPORTED;
      return write(settings, *made) ? TOCSIN_OK : TOCSIN_NO_MEMORY;
    } catch (...) {
      return translate_current_exception(
          [&](std::string_view text) noexcept { findings.error({}, "SETTINGS_INVALID", text); });
    }
  }

  static constexpr tocsin_config table{sizeof(tocsin_config), 0, &check, &migrate};
};

}  // namespace detail

}  // namespace tocsin::sdk
