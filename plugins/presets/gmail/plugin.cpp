// The plugin's entry: reads an endpoint's settings for the policy, and reports what it finds.
#include "plugins/presets/gmail/gmail_policy.hpp"

#include <tocsin/sdk/json.hpp>
#include <tocsin/sdk/plugin.hpp>
#include <tocsin/sdk/preset.hpp>

namespace tocsin::gmail {
namespace {

class gmail_plugin : public sdk::plugin, public sdk::preset {
 public:
  using plugin::plugin;

  void check(const sdk::endpoint& endpoint, const sdk::finding_report& report) override {
    const sdk::json_reader settings(endpoint.settings());
    account what;
    what.host = settings.text("host").value_or("");
    what.port = settings.integer("port").value_or(0);
    what.secure_connection = settings.text("secure_connection").value_or("auto");
    what.authentication = settings.text("authentication").value_or("auto");
    what.has_oauth = !settings.text("oauth.token_url").value_or("").empty() ||
                     !settings.text("oauth.service_account_file").value_or("").empty();
    what.username = settings.text("username").value_or("");
    what.from_address = settings.text("from_address").value_or("");
    try {
      // Looked at only where it is a password: an access token is nobody's business here.
      const auto handle = settings.secret("password");
      if (handle) what.password = signs_in_with_token(what) ? std::string() : host().reveal(*handle);
    } catch (const sdk::failure& thrown) {
      report.error("password", "SETTINGS_INVALID", std::string("password cannot be read: ") + thrown.what());
      return;
    }
    for (const finding& found : gmail::check(what)) {
      if (found.fatal) {
        report.error(found.key, found.code, found.text);
      } else {
        report.warning(found.key, found.code, found.text);
      }
    }
  }
};

}  // namespace
}  // namespace tocsin::gmail

TOCSIN_PLUGIN(tocsin::gmail::gmail_plugin);
