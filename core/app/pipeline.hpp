// The host: every stage, wired together in one function.
#pragma once

#include "core/model/event.hpp"
#include "core/model/fault.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/settings/settings.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace tocsin {

namespace app {
class host_progress;
}

// A running host. start() returns when it is ready; stop() drains for at most 5 s, and ends it within 9 s unless a
// plugin hangs.
class pipeline {
 public:
  // config: the settings file. Faults of the configuration carry code SETTINGS_INVALID; more than one are in `all`.
  // progress: told what is being done; null: nobody asks. trial_program: the program `tocsin` of this version, which
  // tries plugins out before they are loaded here; empty: no trials.
  static result<std::unique_ptr<pipeline>> start(const std::filesystem::path& config, faults& all,
                                                 app::host_progress* progress = nullptr,
                                                 std::filesystem::path trial_program = {});
  ~pipeline();

  void stop();
  // After stop(): a plugin hangs and was left as it is. End the process without running destructors.
  bool left_behind() const;
  // Read the file again, check it whole, swap it. A wrong file is refused and the old one keeps running.
  faults reload();

  // A valid event; on disk when this returns. Its identifier.
  result<std::string> publish(const event& value);

  std::string http_address() const;
  std::string admin_token() const;
  std::vector<plugin_info> plugins() const;
  settings_ptr settings() const;

 private:
  struct impl;
  explicit pipeline(std::unique_ptr<impl> parts);
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin
