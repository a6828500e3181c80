// Tests of levels and groups: what of the host's an organization gets, and above all what it never gets.
#include "tests/unit/settings/settings_fixture.hpp"

#include <boost/json.hpp>

namespace tocsin::test {
namespace {

namespace json = boost::json;

constexpr const char* host_email = R"(
[channels.email]
plugin = "smtp"
host = "mail.example.org"
port = 25
username = "host-user"
password = "env:TOCSIN_LEVELS_TEST"
from_address = "noreply@example.org"
from_name = "Host"
limits.connections = 3
limits.messages_per_day = 77
)";

class SettingsLevels : public ::testing::Test {
 protected:
  SettingsLevels() { ::setenv("TOCSIN_LEVELS_TEST", "host-password", 1); }

  settings_ptr with(std::string_view more) { return good(std::string(host_email) + std::string(more)); }

  static endpoint_settings_ptr endpoint(const settings_ptr& all, const std::string& channel,
                                        const std::string& organization) {
    auto found = all->endpoint(channel, organization);
    EXPECT_TRUE(found.has_value());
    return *found;
  }
};

TEST_F(SettingsLevels, GiveTheHostsValuesAndTheDefaults) {
  const auto all = with("");
  const auto email = endpoint(all, "email", "");
  EXPECT_EQ(email->key, (endpoint_key{"email", ""}));
  EXPECT_EQ(email->plugin, "smtp");
  EXPECT_FALSE(email->problem.has_value());
  EXPECT_EQ(email->settings.at("host"), "mail.example.org");
  EXPECT_EQ(email->settings.at("port"), 25);
  EXPECT_EQ(email->settings.at("secure_connection"), "auto");
  EXPECT_EQ(email->settings.at("timeouts").at("connect"), 30000);
  EXPECT_EQ(email->settings.at("largest").to_number<std::uint64_t>(), 25u << 20);
  EXPECT_EQ(email->settings.at("oauth").at("client_secret"), nullptr);
  EXPECT_FALSE(email->settings.contains("plugin"));
  EXPECT_FALSE(email->settings.contains("retry"));
}

TEST_F(SettingsLevels, ShareTheHostsViewWithOrganizationsThatSetNothing) {
  const auto all = with("[organizations.acme]\nlanguage = \"fr\"\n");
  EXPECT_EQ(endpoint(all, "email", "acme"), endpoint(all, "email", ""));
  EXPECT_EQ(endpoint(all, "email", "never-declared"), endpoint(all, "email", ""));
}

TEST_F(SettingsLevels, KeepOneEndpointWhereOnlyTheSendersNameDiffers) {
  const auto all = with("[organizations.acme.channels.email]\nfrom_name = \"Acme\"\n");
  const auto host = endpoint(all, "email", "");
  const auto acme = endpoint(all, "email", "acme");
  EXPECT_EQ(acme->key, host->key);
  EXPECT_EQ(acme->organization, "acme");
  EXPECT_EQ(acme->settings.at("from_name"), "Acme");
  EXPECT_EQ(acme->settings.at("username"), "host-user");
  EXPECT_EQ(acme->settings.at("password"), host->settings.at("password"));
  EXPECT_EQ(acme->server_fingerprint, host->server_fingerprint);
  EXPECT_NE(acme->fingerprint, host->fingerprint);
  EXPECT_TRUE(all->warnings().empty()) << text_of(all->warnings());
}

TEST_F(SettingsLevels, GiveNothingOfTheHostsServerToAnOrganizationWithItsOwn) {
  const auto all =
      with("[organizations.acme.channels.email]\nhost = \"mail.acme.example\"\nfrom_address = \"a@acme.example\"\n");
  const auto acme = endpoint(all, "email", "acme");
  EXPECT_EQ(acme->key, (endpoint_key{"email", "acme"}));
  EXPECT_EQ(acme->settings.at("host"), "mail.acme.example");
  EXPECT_EQ(acme->settings.at("port"), 587);
  EXPECT_EQ(acme->settings.at("username"), "");
  EXPECT_EQ(acme->settings.at("password"), nullptr);
  EXPECT_EQ(acme->settings.at("limits").at("messages_per_day"), 0);
  EXPECT_EQ(acme->settings.at("limits").at("connections"), 3) << "not of the group: the host's holds";
  EXPECT_EQ(acme->settings.at("from_name"), "Host");
  EXPECT_FALSE(acme->problem.has_value());
  EXPECT_NE(acme->server_fingerprint, endpoint(all, "email", "")->server_fingerprint);
}

TEST_F(SettingsLevels, OwnTheServerByAnySingleKeyOfTheGroup) {
  for (const char* line : {"port = 26", "secure_connection = \"off\"", "domain = \"D\"", "username = \"u\"",
                           "password = \"env:TOCSIN_LEVELS_TEST\"", "use_default_credentials = true",
                           "tls.ca_file = \"\"", "oauth.client_secret = \"env:TOCSIN_LEVELS_TEST\"",
                           "limits.messages_per_day = 1", "plugin = \"smtp\"", "preset = \"\""}) {
    const auto all = with("[organizations.acme.channels.email]\n" + std::string(line) + "\n");
    const auto acme = endpoint(all, "email", "acme");
    EXPECT_EQ(acme->key.organization, "acme") << line;
    ASSERT_TRUE(acme->problem.has_value()) << line << ": it has no host of its own";
    EXPECT_EQ(acme->problem->code, "SETTINGS_INVALID");
    EXPECT_EQ(acme->problem->place.key, "organizations.acme.channels.email.host");
    EXPECT_NE(acme->problem->what.find("acme has a server of its own"), std::string::npos) << acme->problem->what;
    EXPECT_EQ(json::serialize(acme->settings).find("mail.example.org"), std::string::npos) << line;
    EXPECT_EQ(json::serialize(acme->settings).find("host-user"), std::string::npos) << line;
    EXPECT_FALSE(endpoint(all, "email", "")->problem.has_value()) << "nobody else's endpoint is touched";
  }
}

TEST_F(SettingsLevels, TakeAHostFromTheOrganizationsOwnPreset) {
  const auto all = with(
      "[organizations.acme.channels.email]\npreset = \"gmail\"\nusername = \"a@acme.example\"\n"
      "from_address = \"a@acme.example\"\n");
  const auto acme = endpoint(all, "email", "acme");
  EXPECT_EQ(acme->preset, "gmail");
  EXPECT_EQ(acme->settings.at("host"), "smtp.gmail.com");
  EXPECT_EQ(acme->settings.at("limits").at("messages_per_day"), 500);
  EXPECT_FALSE(acme->problem.has_value());
  EXPECT_TRUE(acme->preset_data.contains("constraints"));
}

TEST_F(SettingsLevels, DoNotHandTheHostsPresetOn) {
  const auto all = good(
      "[channels.email]\nplugin = \"smtp\"\npreset = \"gmail\"\nusername = \"a@b\"\nfrom_address = \"a@b\"\n"
      "[organizations.acme.channels.email]\nusername = \"x\"\n");
  EXPECT_EQ(endpoint(all, "email", "")->settings.at("host"), "smtp.gmail.com");
  const auto acme = endpoint(all, "email", "acme");
  EXPECT_EQ(acme->preset, "");
  EXPECT_TRUE(acme->preset_data.empty());
  EXPECT_TRUE(acme->problem.has_value());
}

TEST_F(SettingsLevels, InferThePluginFromThePreset) {
  const auto all = good("[channels.email]\npreset = \"gmail\"\nusername = \"a@b\"\nfrom_address = \"a@b\"\n");
  EXPECT_EQ(endpoint(all, "email", "")->plugin, "smtp");
}

TEST_F(SettingsLevels, TakeNothingFromAHostThatUsesAnotherPlugin) {
  const auto all = with("[organizations.acme.channels.email]\nplugin = \"file\"\nfolder = \"out\"\n");
  const auto acme = endpoint(all, "email", "acme");
  EXPECT_EQ(acme->key.organization, "acme");
  EXPECT_EQ(acme->settings, (json::object{{"folder", "/srv/tocsin/out"}, {"prefix", ""}}));
}

TEST_F(SettingsLevels, LetAnOrganizationOwnAChannelThatTheHostDoesNotHave) {
  const auto all = with("[organizations.acme.channels.archive]\nplugin = \"file\"\nfolder = \"out\"\n");
  EXPECT_EQ(endpoint(all, "archive", "acme")->key, (endpoint_key{"archive", "acme"}));
  EXPECT_EQ(all->endpoint("archive", "").error().code, "CHANNEL_UNKNOWN");
  EXPECT_EQ(all->endpoint("archive", "beta").error().code, "CHANNEL_UNKNOWN");
  EXPECT_NE(all->endpoint("emial", "").error().remedy.find("\"email\""), std::string::npos);
  EXPECT_EQ(all->channels(), (std::vector<std::string>{"archive", "email"}));
}

TEST_F(SettingsLevels, InheritKeyByKeyFromAPluginWithoutGroupsAndSecrets) {
  const auto all = good(
      "[channels.archive]\nplugin = \"file\"\nfolder = \"out\"\n"
      "[organizations.acme.channels.archive]\nprefix = \"acme-\"\n");
  const auto acme = endpoint(all, "archive", "acme");
  EXPECT_EQ(acme->settings, (json::object{{"folder", "/srv/tocsin/out"}, {"prefix", "acme-"}}));
  EXPECT_EQ(acme->key.organization, "acme")
      << "every key counts for the server's fingerprint, so the endpoint is its own";
}

TEST_F(SettingsLevels, TakeAllKeysAsOneGroupWhereAPluginWithSecretsDeclaresNone) {
  const auto all = good(
      "[channels.hook]\nplugin = \"hook\"\nurl = \"https://a\"\ntoken = \"env:TOCSIN_LEVELS_TEST\"\n"
      "[organizations.acme.channels.hook]\nurl = \"https://acme\"\n");
  EXPECT_EQ(endpoint(all, "hook", "acme")->settings.at("token"), nullptr);
  EXPECT_EQ(endpoint(all, "hook", "acme")->key.organization, "acme");
}

TEST_F(SettingsLevels, SwitchAChannelOffForAnOrganization) {
  const auto all = with("[organizations.acme.channels.email]\noverride = false\nfrom_name = \"x\"\n");
  EXPECT_FALSE(endpoint(all, "email", "acme")->enabled);
  EXPECT_EQ(endpoint(all, "email", "acme")->key.organization, "acme") << "its waiting mail holds nobody else's up";
  EXPECT_TRUE(endpoint(all, "email", "")->enabled);
}

TEST_F(SettingsLevels, GiveRetryTimesLevelByLevel) {
  const auto all =
      with("retry.first = \"10s\"\n[organizations.acme.channels.email]\nretry.max = \"5s\"\nretry.give_up = \"1d\"\n");
  const auto host = all->retry(*endpoint(all, "email", ""));
  EXPECT_EQ(host.first, std::chrono::seconds(10));
  EXPECT_EQ(host.max, std::chrono::hours(1));
  EXPECT_EQ(host.give_up, std::chrono::days(3));
  const auto acme = all->retry(*endpoint(all, "email", "acme"));
  EXPECT_EQ(acme.first, std::chrono::seconds(10));
  EXPECT_EQ(acme.max, std::chrono::seconds(10)) << "never shorter than the first";
  EXPECT_EQ(acme.give_up, std::chrono::days(1));
  EXPECT_EQ(endpoint(all, "email", "acme")->key.organization, "") << "retry times do not make a server";
}

TEST_F(SettingsLevels, ReportWhatThePresetDemands) {
  const auto all = good(
      "[channels.email]\nplugin = \"smtp\"\npreset = \"gmail\"\nport = 25\nusername = \"a@b\"\n"
      "from_address = \"other@b\"\n");
  const auto email = endpoint(all, "email", "");
  ASSERT_TRUE(email->problem.has_value());
  EXPECT_EQ(email->problem->to_string(),
            "/srv/tocsin/tocsin.toml:4:8: channels.email.port: Gmail listens on ports 587 and 465.");
  ASSERT_EQ(all->warnings().size(), 1u);
  EXPECT_EQ(all->warnings()[0].place.line, 6);
}

TEST_F(SettingsLevels, WarnOfTheHostsSenderOverAnOwnServer) {
  const auto all = with("[organizations.acme.channels.email]\nhost = \"mail.acme.example\"\n");
  ASSERT_EQ(all->warnings().size(), 1u) << text_of(all->warnings());
  EXPECT_EQ(all->warnings()[0].place.key, "organizations.acme.channels.email.from_address");
  EXPECT_FALSE(endpoint(all, "email", "acme")->problem.has_value());
}

TEST_F(SettingsLevels, SayWhoWonAndWhoLost) {
  const auto all = with(
      "[organizations.acme.channels.email]\nhost = \"mail.acme.example\"\nfrom_name = \"Acme\"\n"
      "password = \"env:TOCSIN_LEVELS_TEST\"\n");
  const auto name = all->why("channels.email.from_name", "acme");
  ASSERT_EQ(name.size(), 3u);
  EXPECT_EQ(name[0].level, "organization acme");
  EXPECT_EQ(name[0].shown, "\"Acme\"");
  EXPECT_EQ(name[0].place.line, 14);
  EXPECT_EQ(name[0].place.key, "organizations.acme.channels.email.from_name");
  EXPECT_EQ(name[1].level, "host");
  EXPECT_EQ(name[1].place.line, 9);
  EXPECT_EQ(name[2].level, "default");

  const auto port = all->why("channels.email.port", "acme");
  ASSERT_EQ(port.size(), 2u);
  EXPECT_EQ(port[0].level, "default") << "the host's is barred";
  EXPECT_EQ(port[1].level, "host (not used: organization acme has its own)");

  EXPECT_EQ(all->why("organizations.acme.channels.email.password", "").at(0).shown, "\"env:TOCSIN_LEVELS_TEST\"");
  EXPECT_EQ(all->why("channels.email.retry.first", "").at(0).shown, "\"30s\"");
  EXPECT_EQ(all->why("channels.email.plugin", "").at(0).place.line, 3);
  EXPECT_TRUE(all->why("channels.email.colour", "").empty());
  EXPECT_TRUE(all->why("channels.nothing.host", "").empty());
}

TEST_F(SettingsLevels, SayWhereTheHostsValuesComeFrom) {
  const auto all = good("[host]\nlanguage = \"de\"\n[organizations.acme]\nlanguage = \"fr\"\n");
  EXPECT_EQ(all->why("host.language", "").at(0).shown, "\"de\"");
  EXPECT_EQ(all->why("host.language", "").at(1).level, "default");
  EXPECT_EQ(all->why("host.language", "acme").at(0).level, "organization acme");
  EXPECT_EQ(all->why("organizations.acme.language", "").at(0).shown, "\"fr\"");
  EXPECT_EQ(all->why("http.listen", "").at(0).level, "default");
  EXPECT_EQ(all->why("events.\"tocsin.password.*\".sensitive", "").at(0).level, "default");
}

TEST_F(SettingsLevels, ShowWhatIsInForceWithoutSecrets) {
  const auto all = with(
      "[organizations.acme.channels.email]\nfrom_name = \"Acme\"\n[[routes]]\nchannels = [\"email\"]\nto = "
      "[\"a@b\"]\n");
  const auto shown = all->show("acme");
  EXPECT_EQ(shown.at("channels").at("email").at("from_name"), "Acme");
  EXPECT_EQ(shown.at("channels").at("email").at("password"), "env:TOCSIN_LEVELS_TEST");
  EXPECT_EQ(shown.at("channels").at("email").at("timeouts").at("connect"), "30s");
  EXPECT_EQ(shown.at("host").at("state_dir"), "/srv/tocsin/state");
  EXPECT_EQ(shown.at("routes").at(0).at("to").at(0), "a@b");
  EXPECT_EQ(json::serialize(shown).find("host-password"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::test
