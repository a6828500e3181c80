// From merged levels to effective settings: secrets become handles, fingerprints are taken.
#pragma once

#include "core/settings/channel_layers.hpp"
#include "core/settings/settings_file.hpp"

#include <functional>

namespace tocsin {

// Learns of each secret that effective settings name, before they are given out.
using secret_registrar = std::function<void(std::uint64_t handle, const secret_reference& reference)>;

struct resolved_endpoint {
  endpoint_settings_ptr endpoint;
  retry_settings retry;
};

// Reads the secrets, for the fingerprints and to make the log blot them out; one that cannot be read is the endpoint's
// problem.
resolved_endpoint resolve_endpoint(const merged_channel& channel, const std::string& organization,
                                   const settings_file& file, const secret_registrar& add_secret);

// Of a source or whatever else is configured as one.
source_settings resolve_source(const source_entry& source, const settings_file& file,
                               const secret_registrar& add_secret);
subscriber_settings resolve_subscriber(const source_entry& subscriber, const settings_file& file,
                                       const secret_registrar& add_secret);

}  // namespace tocsin
