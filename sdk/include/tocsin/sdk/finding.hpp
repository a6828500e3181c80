// SPDX-License-Identifier: Apache-2.0
// What a plugin's code says of settings: errors and warnings, each about one key.
#pragma once

#include <tocsin/abi/finding.h>
#include <tocsin/sdk/string.hpp>

#include <cstdint>
#include <string_view>

namespace tocsin::sdk {

// Takes findings. Valid for the call that brings it.
class finding_report {
 public:
  explicit finding_report(const tocsin_finding_report& raw) noexcept : raw_(&raw) {}

  // The settings cannot work. key: dotted, "tls.ca_file"; empty: all of them. text: what is wrong and what to do, one
  // or two sentences.
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
    tocsin_finding finding{};
    finding.struct_size = sizeof(finding);
    finding.fatal = fatal;
    finding.key = to_abi(key);
    finding.code = to_abi(code);
    finding.text = to_abi(text);
    raw_->finding(raw_->context, &finding);
  }

  const tocsin_finding_report* raw_;
};

}  // namespace tocsin::sdk
