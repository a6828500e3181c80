// One look at a plugin's file: trusted, read, its manifest understood.
#pragma once

#include "core/plugin_host/plugin_file.hpp"
#include "core/plugin_host/plugin_host.hpp"

namespace tocsin {

// What was found in a file, and the bytes that it was found in.
struct verified_file {
  plugin_file file;
  tocsin::manifest manifest;
  std::string build_id;
};

// Runs no instruction of the plugin's.
result<verified_file> verify_plugin(const std::filesystem::path& path);

}  // namespace tocsin
