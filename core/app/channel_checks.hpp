// Channels tried out in the running host, for whoever asks over HTTP: a test message, a diagnosis.
#pragma once

#include "core/delivery/dispatcher.hpp"
#include "core/http/channels.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/settings/settings.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace tocsin::app {

struct channel_check_parts {
  plugin_host* plugins = nullptr;
  const tocsin::clock* clock = nullptr;
  identifier_source* identifiers = nullptr;
  std::function<settings_ptr()> settings;
};

// Each has a thread of its own, since it waits for a server; few at a time. Both answer once, on any thread. Faults:
// CHANNEL_UNKNOWN, CHECKS_BUSY, HOST_STOPPING. [any thread]
class channel_checks {
 public:
  explicit channel_checks(channel_check_parts parts);
  ~channel_checks();

  void test(channel_check what, std::function<void(result<outcome>)> done);
  void diagnose(channel_check what, std::function<void(result<std::vector<diagnosis_stage>>)> done);

  // Takes those out that tell of a test message.
  void take(std::vector<outcome>& outcomes);

  // No more begin; test messages under way are given up.
  void stop();
  // All have ended. After the plugins were stopped, which ends their diagnoses, and none hangs.
  void wait();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

// What the settings in force have of channels, with what the dispatcher knows of them: of the host and of every
// organization; or those that this one uses.
std::vector<channel_status> channels_of(const settings& in_force, const std::vector<dispatcher::endpoint_status>& known,
                                        const std::optional<std::string>& organization);

}  // namespace tocsin::app
