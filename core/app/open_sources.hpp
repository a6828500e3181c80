// The sources of the settings in force: opened, closed, and opened anew where their settings have changed.
#pragma once

#include "core/plugin_host/plugin_host.hpp"
#include "core/settings/settings.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace tocsin::app {

// What becomes of those whose plugin refused the same settings before.
enum class refused_ones { left, tried_again };

// The functions are for one thread at a time, as the plugin host's.
class open_sources {
 public:
  explicit open_sources(plugin_host& plugins) : plugins_(plugins) {}

  void follow(const settings& in_force, refused_ones refused);
  void close();

 private:
  struct known_source {
    std::uint64_t fingerprint = 0;  // of its settings
    bool open = false;              // else its plugin refused them
  };

  plugin_host& plugins_;
  std::map<std::string, known_source> known_;  // by name
};

}  // namespace tocsin::app
