// Channels as the API shows and tests them.
#pragma once

#include "core/model/code.hpp"
#include "core/model/endpoint.hpp"
#include "core/model/outcome.hpp"
#include "core/model/store.hpp"
#include "core/plugin_host/plugin_host.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace tocsin {

// An endpoint: a channel as one level configures it.
struct channel_status {
  endpoint_key key;
  std::string plugin, preset;
  bool enabled = true;                  // false: switched off, what is for it waits
  std::optional<fault> problem;         // what is wrong with its settings
  std::optional<endpoint_pause> pause;  // it is not tried but by a probe
  std::uint32_t in_flight = 0;
  std::uint32_t slots = 0;  // 0: it is not open, since nothing was sent over it of late
};

// What is to be tried out, with the settings that hold for the organization ("": the host).
struct channel_check {
  std::string channel, organization;
  std::string to;     // empty: no recipient is asked about
  bool send = false;  // of a diagnosis: send a test message
};

boost::json::object to_json_object(const diagnosis_stage& stage, const code_table& codes);
// What became of a test message.
boost::json::object to_json_object(const outcome& sent, const code_table& codes);

}  // namespace tocsin
