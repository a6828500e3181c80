// Settings that a test fills in by hand.
#pragma once

#include "core/settings/settings.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::test {

class fake_settings final : public settings {
 public:
  host_settings host_value;
  http_settings http_value;
  std::vector<route> routes_value;
  std::vector<source_settings> sources_value;
  std::vector<subscriber_settings> subscribers_value;
  std::vector<source_settings> secret_stores_value;
  std::vector<stored_secret> stored_secrets_value;
  std::vector<event_type_settings> event_types_value;
  std::map<std::string, organization_settings> organizations_value;
  std::map<std::pair<std::string, std::string>, endpoint_settings_ptr> endpoints_value;  // (channel, organization)
  retry_settings retry_value;
  faults warnings_value;

  // An endpoint at the host's level. fingerprint stands for all of its settings.
  endpoint_settings& add(const std::string& channel, std::uint64_t fingerprint) {
    return put(channel, {}, {channel, {}}, fingerprint, fingerprint);
  }
  // An organization's own server.
  endpoint_settings& add_own(const std::string& channel, const std::string& organization, std::uint64_t fingerprint) {
    return put(channel, organization, {channel, organization}, fingerprint, fingerprint);
  }
  // An organization's view of the host's server.
  endpoint_settings& add_view(const std::string& channel, const std::string& organization, std::uint64_t fingerprint,
                              std::uint64_t server_fingerprint) {
    return put(channel, organization, {channel, {}}, fingerprint, server_fingerprint);
  }

  const host_settings& host() const override { return host_value; }
  const http_settings& http() const override { return http_value; }
  const std::vector<route>& routes() const override { return routes_value; }
  const std::vector<source_settings>& sources() const override { return sources_value; }
  const std::vector<subscriber_settings>& subscribers() const override { return subscribers_value; }
  const std::vector<source_settings>& secret_stores() const override { return secret_stores_value; }
  std::vector<stored_secret> stored_secrets() const override { return stored_secrets_value; }
  settings_ptr with_stores(secret_lookup) const override { return std::make_shared<fake_settings>(*this); }
  const std::vector<event_type_settings>& event_types() const override { return event_types_value; }
  std::vector<std::string> channels() const override {
    std::vector<std::string> names;
    for (const auto& [key, value] : endpoints_value) {
      if (names.empty() || names.back() != key.first) names.push_back(key.first);
    }
    return names;
  }
  std::vector<std::string> organizations() const override {
    std::vector<std::string> names;
    for (const auto& [name, value] : organizations_value) names.push_back(name);
    return names;
  }
  organization_settings organization(const std::string& name) const override {
    organization_settings found{host_value.language, host_value.time_zone};
    if (const auto at = organizations_value.find(name); at != organizations_value.end()) {
      if (!at->second.language.empty()) found.language = at->second.language;
      if (!at->second.time_zone.empty()) found.time_zone = at->second.time_zone;
    }
    return found;
  }
  result<endpoint_settings_ptr> endpoint(const std::string& channel, const std::string& organization) const override {
    auto found = endpoints_value.find({channel, organization});
    if (found == endpoints_value.end()) found = endpoints_value.find({channel, {}});
    if (found == endpoints_value.end()) {
      return fault{"CHANNEL_UNKNOWN", "There is no channel \"" + channel + "\"."};
    }
    return found->second;
  }
  retry_settings retry(const endpoint_settings&) const override { return retry_value; }
  result<std::string> secret(std::uint64_t) const override { return fault{"SETTINGS_INVALID", "There is no secret."}; }
  std::vector<setting_origin> why(const std::string&, const std::string&) const override { return {}; }
  boost::json::object show(const std::string&) const override { return {}; }
  const faults& warnings() const override { return warnings_value; }

 private:
  endpoint_settings& put(const std::string& channel, const std::string& organization, endpoint_key key,
                         std::uint64_t fingerprint, std::uint64_t server_fingerprint) {
    auto made = std::make_shared<endpoint_settings>();
    made->key = std::move(key);
    made->organization = organization;
    made->plugin = "fake";
    made->fingerprint = fingerprint;
    made->server_fingerprint = server_fingerprint;
    endpoints_value[{channel, organization}] = made;
    return *made;
  }
};

}  // namespace tocsin::test
