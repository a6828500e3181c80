// An endpoint: a channel as one level configures it, and its effective settings.
#pragma once

#include "core/model/fault.hpp"

#include <boost/json/object.hpp>

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tocsin {

// Pool, pause, quota, metrics and diagnosis are kept by this key.
struct endpoint_key {
  std::string channel;       // name of [channels.NAME]
  std::string organization;  // the level that owns the channel's server; empty: the host

  auto operator<=>(const endpoint_key&) const = default;
};

// What is in force for one organization's use of a channel. Immutable.
//
// Two organizations that use the host's server share one endpoint_key (one pool, one pause) though their from_name may
// differ: `settings` is the organization's own view. `server_fingerprint` is equal for all views of an endpoint.
struct endpoint_settings {
  endpoint_key key;
  std::string organization;         // whose view this is; empty: the host's
  std::string plugin;               // plugin id
  std::string preset;               // plugin id of the preset; empty: none
  boost::json::object settings;     // as tocsin_endpoint.settings (tocsin/abi/endpoint.h)
  boost::json::object preset_data;  // the preset's manifest object; empty: none
  std::uint64_t fingerprint = 0;    // changes with anything here, a secret's value and a file's content included
  std::uint64_t server_fingerprint =
      0;                         // the same over the keys of the server group alone: tocsin_endpoint.pool is made of it
  bool enabled = true;           // false: override = false; deliveries wait
  std::optional<fault> problem;  // why this endpoint cannot work; it is then paused as SETTINGS_INVALID
};

using endpoint_settings_ptr = std::shared_ptr<const endpoint_settings>;

}  // namespace tocsin

template <>
struct std::hash<tocsin::endpoint_key> {
  std::size_t operator()(const tocsin::endpoint_key& key) const noexcept {
    return std::hash<std::string>{}(key.channel) * 31 + std::hash<std::string>{}(key.organization);
  }
};
