// From merged levels to effective settings: secrets become handles, fingerprints are taken.
#pragma once

#include "core/settings/channel_layers.hpp"
#include "core/settings/settings_file.hpp"

#include <functional>

namespace tocsin {

// What effective settings have to do with secrets.
struct secret_access {
  // Learns of each one that they name, before they are given out.
  std::function<void(std::uint64_t handle, const secret_reference& reference)> note;
  secret_lookup stores;  // null: the stores are not asked yet, and what they keep is no problem
};

struct resolved_endpoint {
  endpoint_settings_ptr endpoint;
  retry_settings retry;
};

// Reads the secrets, for the fingerprints and to make the log blot them out; one that cannot be read is the endpoint's
// problem.
resolved_endpoint resolve_endpoint(const merged_channel& channel, const std::string& organization,
                                   const settings_file& file, const secret_access& access);

// Of a source or whatever else is configured as one.
source_settings resolve_source(const source_entry& source, const settings_file& file, const secret_access& access);
subscriber_settings resolve_subscriber(const source_entry& subscriber, const settings_file& file,
                                       const secret_access& access);

}  // namespace tocsin
