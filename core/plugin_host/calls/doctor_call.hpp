// One diagnosis of an endpoint through the tocsin.doctor/1 of its plugin, from opening to closing.
#pragma once

#include "core/plugin_host/plugin_instance.hpp"

namespace tocsin {

struct doctor_request {
  const endpoint_settings& settings;
  const std::string& recipient;
  const outgoing_message* message;
  std::chrono::milliseconds limit;
  const std::function<void(const diagnosis_stage&)>& on_stage;
};

// instance: null if the plugin does not run; `reason` says why. The first stage is "settings"; the host reports it
// where the plugin does not.
std::vector<diagnosis_stage> run_doctor(plugin_instance* instance, const std::string& reason,
                                        const doctor_request& request);

}  // namespace tocsin
