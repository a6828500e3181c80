// The rule that [plugins] signed stands for.
#include "core/plugin_host/files/signature_policy.hpp"

namespace tocsin {

bool is_built_in(const plugin_file& file, const signature_policy& policy) {
  return !policy.installation.empty() && file.was_in(policy.installation);
}

result<void> check_demand(const signature_finding& found, bool built_in, const signature_policy& policy) {
  if (policy.demand == signed_plugins::off || found.state == signature_state::valid) return {};
  if (found.state == signature_state::invalid) {
    return fault{"PLUGIN_REFUSED", found.reason, "Install it again from where it comes from.", {}};
  }
  if (built_in || policy.demand == signed_plugins::warn) return {};
  return fault{"PLUGIN_REFUSED",
               found.reason,
               found.state == signature_state::unsigned_file
                   ? "This host takes signed plugins only ([plugins] signed): install a signed build, or sign it "
                     "yourself: tocsin plugin sign."
                   : "If you trust whoever signed it, name their public key in [plugins] trusted_keys.",
               {}};
}

bool wants_warning(const signature_finding& found, bool built_in, const signature_policy& policy) {
  return policy.demand == signed_plugins::warn && !built_in && found.state != signature_state::valid;
}

}  // namespace tocsin
