// One look at a plugin's file: trusted, read, its manifest understood.
#pragma once

#include "core/plugin_host/files/plugin_file.hpp"
#include "core/plugin_host/files/signature_policy.hpp"
#include "core/plugin_host/plugin_host.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace tocsin {

// What was found in a file, and the bytes that it was found in.
struct verified_file {
  plugin_file file;
  tocsin::manifest manifest;
  std::string build_id;
  bool built_in = false;  // it was read out of the installation's own folder
};

// What the library of a file says of itself.
struct verified_library {
  tocsin::manifest manifest;
  std::string build_id;
};

// The bytes alone: a library for this host, whose needs are met, with a manifest for this ABI.
result<verified_library> verify_library(const plugin_file& file);

// Runs no instruction of the plugin's. The signature is that of the bytes which are loaded later: `file`. `signature`
// is set as soon as it was looked at, also where the file is refused.
result<verified_file> verify_plugin(const std::filesystem::path& path, const signature_policy& policy,
                                    std::optional<signature_finding>& signature);

}  // namespace tocsin
