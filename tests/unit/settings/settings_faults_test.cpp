// Tests of what an operator reads when the file is wrong.
#include "tests/unit/settings/settings_fixture.hpp"

namespace tocsin::test {
namespace {

constexpr const char* email = R"(
[channels.email]
plugin = "smtp"
host = "mail.example.org"
from_address = "noreply@example.org"
)";

std::string with_email(std::string_view more) { return std::string(email) + std::string(more); }

TEST(SettingsFaults, NameFileLineColumnAndKeyOfAnUnknownKeyAndTheNearestKnownOne) {
  const auto fault = only_fault(with_email("prot = 587\n"));
  EXPECT_EQ(fault.code, "SETTINGS_INVALID");
  EXPECT_EQ(fault.place, (place{"/srv/tocsin/tocsin.toml", 6, 1, "channels.email.prot"}));
  EXPECT_EQ(fault.what, "There is no setting of this name.");
  EXPECT_TRUE(fault.remedy.starts_with("Did you mean \"port\"? Known here: ")) << fault.remedy;
}

TEST(SettingsFaults, AreReportedAllAtOnceInTheFilesOrder) {
  const auto loaded = load(R"([host]
retention = "long"
langage = "en"
[channels.email]
plugin = "smtp"
host = 5
port = "587"
secure_connection = "tls"
from_address = "noreply"
[channels.email.tls]
ca_fil = "x"
[channels.email.timeouts]
connect = 30
[[routes]]
name = "a"
channels = ["mail"]
to = []
[organisations.acme]
language = "fr"
)");
  EXPECT_EQ(loaded.value, nullptr);
  std::vector<std::string> found;
  for (const auto& fault : loaded.errors) found.push_back(std::to_string(fault.place.line) + " " + fault.place.key);
  EXPECT_EQ(found, (std::vector<std::string>{"2 host.retention", "3 host.langage", "6 channels.email.host",
                                             "7 channels.email.port", "8 channels.email.secure_connection",
                                             "9 channels.email.from_address", "11 channels.email.tls.ca_fil",
                                             "13 channels.email.timeouts.connect", "16 routes[0].channels[0]",
                                             "17 routes[0].to", "18 organisations"}));
}

TEST(SettingsFaults, GiveLineAndColumnOfBrokenToml) {
  const auto fault = only_fault("[host]\nlanguage = \"en\nstate_dir = \"s\"\n");
  EXPECT_EQ(fault.place.line, 2);
  EXPECT_GT(fault.place.column, 0);
  EXPECT_NE(fault.what.find("not TOML"), std::string::npos);
  EXPECT_EQ(only_fault("a = 1\na = 2\n").place.line, 2);
}

TEST(SettingsFaults, SurviveHostileToml) {
  EXPECT_FALSE(load("a = " + std::string(100000, '[')).errors.empty());
  EXPECT_FALSE(load(std::string("\xff\xfe\0\1", 4)).errors.empty());
  EXPECT_FALSE(load("a = \"" + std::string(1'000'000, 'x')).errors.empty());
}

TEST(SettingsFaults, TellHowAPasswordIsKeptOutOfTheFile) {
  const auto fault = only_fault(with_email("password = \"hunter2\"\n"));
  EXPECT_EQ(fault.place.key, "channels.email.password");
  EXPECT_EQ(fault.what, "A secret is not written into the settings file itself.");
  EXPECT_NE(fault.remedy.find("\"env:NAME\""), std::string::npos);
  EXPECT_NE(fault.remedy.find("\"file:PATH\""), std::string::npos);
  EXPECT_NE(fault.remedy.find("\"credential:NAME\""), std::string::npos);
  EXPECT_EQ(fault.to_string().find("hunter2"), std::string::npos);
  EXPECT_EQ(only_fault(with_email("password = \"env:\"\n")).place.key, "channels.email.password");
  EXPECT_EQ(only_fault(with_email("password = \"credential:../x\"\n")).place.key, "channels.email.password");
}

TEST(SettingsFaults, NameTheChannelPluginsWhereThePluginIsNone) {
  const auto missing = only_fault("[channels.email]\nhost = \"a\"\n");
  EXPECT_EQ(missing.place.key, "channels.email.plugin");
  EXPECT_EQ(missing.remedy, "Accepted: \"file\", \"hook\" or \"smtp\".");
  const auto no_channel = only_fault("[channels.email]\nplugin = \"gmail\"\n");
  EXPECT_EQ(no_channel.what, "The plugin gmail is no channel.");
  EXPECT_EQ(no_channel.place.line, 2);
  EXPECT_EQ(only_fault("[sources.s]\nplugin = \"smtp\"\n").remedy, "Accepted: \"license-status\".");
  EXPECT_EQ(only_fault("[sources.s]\n").place.key, "sources.s.plugin");
}

TEST(SettingsFaults, NameThePresetsOfThePlugin) {
  EXPECT_EQ(only_fault(with_email("preset = \"smtp\"\n")).to_string(),
            "/srv/tocsin/tocsin.toml:6:10: channels.email.preset: The plugin smtp is no preset. Accepted: \"gmail\".");
  EXPECT_EQ(only_fault("[channels.f]\nplugin = \"file\"\npreset = \"gmail\"\nfolder = \"x\"\n").place.key,
            "channels.f.preset");
}

TEST(SettingsFaults, LeaveAMissingPluginToItsEndpoint) {
  const auto loaded =
      load("[channels.chat]\nplugin = \"chat\"\nroom = \"ops\"\n[sources.feed]\nplugin = \"rss\"\nurl = \"x\"\n");
  ASSERT_TRUE(loaded.errors.empty()) << text_of(loaded.errors);
  const auto endpoint = loaded.value->endpoint("chat", "");
  ASSERT_TRUE(endpoint.has_value());
  ASSERT_TRUE((*endpoint)->problem.has_value());
  EXPECT_EQ((*endpoint)->problem->place.line, 2);
  EXPECT_NE((*endpoint)->problem->remedy.find("\"smtp\""), std::string::npos) << "known ones are named";
  ASSERT_EQ(loaded.value->sources().size(), 1u);
  ASSERT_TRUE(loaded.value->sources()[0].problem.has_value());
  EXPECT_EQ(loaded.value->sources()[0].problem->place.line, 5);
}

TEST(SettingsFaults, WantWhatASourceNeeds) {
  const auto fault = only_fault("[sources.license]\nplugin = \"license-status\"\n");
  EXPECT_EQ(fault.place.key, "sources.license.path");
  EXPECT_EQ(fault.place.line, 1);
  EXPECT_EQ(only_fault("[sources.license]\nplugin = \"license-status\"\npath = 5\n").place.line, 3);
}

TEST(SettingsFaults, KnowRoutesAndTheirChannels) {
  const auto unknown = only_fault(with_email("[[routes]]\nname = \"r\"\nchannels = [\"emial\"]\nto = [\"a@b\"]\n"));
  EXPECT_EQ(unknown.what, "There is no channel \"emial\".");
  EXPECT_EQ(unknown.remedy, "Did you mean \"email\"? Known here: \"email\".");
  EXPECT_EQ(unknown.place, (place{"/srv/tocsin/tocsin.toml", 8, 13, "routes[0].channels[0]"}));

  const std::string route = "[[routes]]\nname = \"r\"\nchannels = [\"email\"]\nto = [\"a@b\"]\n";
  EXPECT_EQ(only_fault(with_email(route + route)).what, "Another route is called \"r\", in line 6.");
  EXPECT_EQ(only_fault(with_email("[[routes]]\nchannels = [\"email\"]\n")).place.key, "routes[0].to");
  EXPECT_EQ(only_fault(with_email("[[routes]]\nto = [\"a@b\"]\n")).place.key, "routes[0].channels");
  EXPECT_EQ(only_fault(with_email("[[routes]]\nchannels = []\nto = [\"a@b\"]\n")).place.key, "routes[0].channels");
  EXPECT_EQ(only_fault(with_email("[[routes]]\nchannels = [\"email\"]\nto = [\"\"]\n")).place.key, "routes[0].to[0]");
  EXPECT_EQ(only_fault(with_email("[[routes]]\nchannels = [\"email\"]\nto = [\"{{owner}}\"]\n")).place.key,
            "routes[0].to[0]");
  EXPECT_EQ(only_fault(with_email("[[routes]]\nchannels = [\"email\", \"email\"]\nto = [\"a@b\"]\n")).place.key,
            "routes[0].channels[1]");
  const auto severity =
      only_fault(with_email("[[routes]]\nchannels = [\"email\"]\nto = [\"a@b\"]\nseverity = \"warning\"\n"));
  EXPECT_EQ(severity.remedy,
            "Did you mean \"warn\"? Accepted: \"info\", \"success\", \"warn\", \"error\" or \"fatal\".");
  EXPECT_EQ(only_fault("routes = 5\n").place.key, "routes");
}

TEST(SettingsFaults, LetAnOrganizationsRouteUseItsOwnChannelOnly) {
  const std::string own = "[organizations.acme.channels.own]\nplugin = \"file\"\nfolder = \"x\"\n";
  const std::string route = "routes]]\nname = \"r\"\nchannels = [\"own\"]\nto = [\"a@b\"]\n";
  EXPECT_TRUE(load(own + "[[organizations.acme." + route).errors.empty());
  EXPECT_EQ(only_fault(own + "[[organizations.beta." + route).place.key, "organizations.beta.routes[0].channels[0]");
  const auto host = load(own + "[[" + route);
  ASSERT_TRUE(host.errors.empty());
  ASSERT_EQ(host.value->warnings().size(), 1u) << "the host's route can reach it for acme's events only";
  EXPECT_EQ(host.value->warnings()[0].place.key, "routes[0].channels[0]");
}

TEST(SettingsFaults, CheckTheHostsOwnValues) {
  EXPECT_EQ(only_fault("[host]\ntime_zone = \"Europe/Pariss\"\n").place,
            (place{"/srv/tocsin/tocsin.toml", 2, 13, "host.time_zone"}));
  EXPECT_EQ(only_fault("[host]\nlanguage = \"english please\"\n").place.key, "host.language");
  EXPECT_EQ(only_fault("[organizations.a]\ntime_zone = \"Mars/Olympus\"\n").place.key, "organizations.a.time_zone");
  EXPECT_EQ(only_fault("[organizations.a]\nlangauge = \"fr\"\n").place.key, "organizations.a.langauge");
  EXPECT_EQ(only_fault("[host]\nplugin_dirs = \"plugins\"\n").what, "It must be an array, and this is a string.");
  EXPECT_EQ(only_fault("host = 5\n").place.key, "host");
  EXPECT_EQ(only_fault("channels = 5\n").place.key, "channels");
  EXPECT_EQ(only_fault("[channels]\nemail = 5\n").place.key, "channels.email");
  EXPECT_EQ(only_fault("[channels.\"a b\"]\nplugin = \"file\"\n").place.key, "channels.a b");
  EXPECT_EQ(only_fault("[events.\"x.*\"]\ntime_to_live = 15\n").place.key, "events.\"x.*\".time_to_live");
  EXPECT_EQ(only_fault("[events.\"x.*\"]\ntime_to_live = \"0s\"\n").place.key, "events.\"x.*\".time_to_live");
}

TEST(SettingsFaults, KeepHttpOnLoopback) {
  for (const char* good_one : {"127.0.0.1:0", "127.8.8.8:8480", "[::1]:8480", "localhost:80", "unix:run/api.sock"}) {
    EXPECT_TRUE(load("[http]\nlisten = \"" + std::string(good_one) + "\"\n").errors.empty()) << good_one;
  }
  for (const char* bad : {"127.0.0.1", "127.0.0.1:70000", "127.0.0.1:x", "example.org:80", "unix:", ""}) {
    EXPECT_EQ(only_fault("[http]\nlisten = \"" + std::string(bad) + "\"\n").place.key, "http.listen") << bad;
  }
  for (const char* open : {"0.0.0.0:8480", "192.0.2.1:8480", "[::]:8480"}) {
    const auto fault = only_fault("[http]\nlisten = \"" + std::string(open) + "\"\n");
    EXPECT_NE(fault.what.find("not a loopback address"), std::string::npos);
    EXPECT_NE(fault.remedy.find("proxy"), std::string::npos);
  }
  EXPECT_EQ(only_fault("[http.tls]\ncertificate = \"x\"\n").place.key, "http.tls");
  EXPECT_EQ(only_fault("[http]\nmax_body = \"8MB\"\n").place.key, "http.max_body");
  EXPECT_EQ(only_fault("[http]\npublic_url = \"ftp://x\"\n").place.key, "http.public_url");
}

TEST(SettingsFaults, CheckRetryTimes) {
  EXPECT_EQ(only_fault(with_email("[channels.email.retry]\nfirst = \"0s\"\n")).place.key, "channels.email.retry.first");
  EXPECT_EQ(only_fault(with_email("[channels.email.retry]\nfirst = \"2h\"\nmax = \"1h\"\n")).place.key,
            "channels.email.retry.first");
  EXPECT_EQ(only_fault(with_email("[channels.email.retry]\nfrist = \"1s\"\n")).remedy,
            "Did you mean \"first\"? Known here: \"first\", \"max\" or \"give_up\".");
}

}  // namespace
}  // namespace tocsin::test
