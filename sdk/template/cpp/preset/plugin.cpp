// A preset: what its data cannot say of a mail provider's settings. Defaults, constraints and replies are in
// manifest.json.
#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/preset.hpp>

#include <string>

namespace sdk = tocsin::sdk;

std::string domain_of(const std::string& address) { return address.substr(address.find('@') + 1); }

class provider_preset : public sdk::plugin, public sdk::preset {
 public:
  using plugin::plugin;

  void check(const sdk::endpoint& endpoint, const sdk::finding_report& report) override {
    const sdk::json_reader settings(endpoint.settings());
    const std::string user = settings.text("username").value_or("");
    const std::string from = settings.text("from_address").value_or("");
    if (user.empty() || from.empty() || domain_of(user) == domain_of(from)) return;
    report.warning("from_address", "SETTINGS_INVALID",
                   "This provider refuses senders of another domain than the account's. Set from_address to an address "
                   "of the domain of username.");
  }
};

TOCSIN_PLUGIN(provider_preset);
