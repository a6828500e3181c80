// SPDX-License-Identifier: Apache-2.0
// An endpoint's settings, as the host lends them for a call.
#pragma once

#include <tocsin/abi/endpoint.h>
#include <tocsin/sdk/string.hpp>

#include <string_view>

namespace tocsin::sdk {

// A channel as one level (the host or an organization) configures it. Valid for the call that brings it: copy what is
// to be kept.
class endpoint {
 public:
  explicit endpoint(const tocsin_endpoint& raw) noexcept : raw_(&raw) {}

  std::string_view channel() const noexcept { return view(raw_->channel); }            // "email"
  std::string_view organization() const noexcept { return view(raw_->organization); }  // empty: the host
  // One JSON object: every key of the manifest's schema, defaults filled in, checked. json.hpp reads it.
  std::string_view settings() const noexcept { return view(raw_->settings); }
  // The preset's manifest data, or empty.
  std::string_view preset() const noexcept { return view(raw_->preset); }
  // Open endpoints with the same pool may share connections; different pools never share anything.
  std::string_view pool() const noexcept { return view(raw_->pool); }

  const tocsin_endpoint& raw() const noexcept { return *raw_; }

 private:
  const tocsin_endpoint* raw_;
};

}  // namespace tocsin::sdk
