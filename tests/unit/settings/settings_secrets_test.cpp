// Tests of secrets and of the files that plugins read: where they are read from, what is said when they cannot be, that
// nothing shows a secret, and that a change of either is seen.
#include "core/observe/log.hpp"
#include "core/settings/fingerprint.hpp"
#include "core/settings/secret_reference.hpp"
#include "tests/unit/settings/settings_fixture.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>

#include <sys/stat.h>

namespace tocsin::test {
namespace {

std::string email_with(const std::string& password) {
  return "[channels.email]\nplugin = \"smtp\"\nhost = \"h\"\nfrom_address = \"a@b\"\npassword = \"" + password + "\"\n";
}

struct opened {
  settings_ptr all;
  endpoint_settings_ptr email;

  result<std::string> password() const {
    return all->secret(email->settings.at("password").at("secret").to_number<std::uint64_t>());
  }
};

opened open_email(const std::string& toml, const std::filesystem::path& file = "/srv/tocsin/tocsin.toml") {
  opened made;
  made.all = good(toml, file);
  made.email = *made.all->endpoint("email", "");
  return made;
}

TEST(SettingsSecrets, ComeFromTheEnvironment) {
  ::setenv("TOCSIN_SECRET_ENV", "from-env", 1);
  const auto email = open_email(email_with("env:TOCSIN_SECRET_ENV"));
  EXPECT_FALSE(email.email->problem.has_value());
  EXPECT_EQ(email.password().value(), "from-env");
  EXPECT_EQ(boost::json::serialize(email.email->settings).find("from-env"), std::string::npos);
}

TEST(SettingsSecrets, ComeFromAFileBesideTheSettingsWithoutItsLineBreak) {
  const temporary_folder folder;
  folder.write("password", "from file \n");
  const auto email = open_email(email_with("file:password"), folder.path() / "tocsin.toml");
  EXPECT_EQ(email.password().value(), "from file ");
  folder.write("password", "two\r\n");
  EXPECT_EQ(email.password().value(), "two") << "it is read anew";
}

TEST(SettingsSecrets, ComeFromSystemdsCredentials) {
  const temporary_folder folder;
  folder.write("smtp", "from-systemd");
  ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  EXPECT_EQ(open_email(email_with("credential:smtp")).password().value(), "from-systemd");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  const auto email = open_email(email_with("credential:smtp"));
  ASSERT_TRUE(email.email->problem.has_value());
  EXPECT_NE(email.email->problem->what.find("CREDENTIALS_DIRECTORY"), std::string::npos);
}

TEST(SettingsSecrets, ThatCannotBeReadAreTheEndpointsProblemAndNotTheFiles) {
  const temporary_folder folder;
  folder.write("empty", "\n");
  ::unsetenv("TOCSIN_SECRET_UNSET");
  for (const char* reference :
       {"env:TOCSIN_SECRET_UNSET", "file:nothing-here", "file:.", "file:empty", "secret:smtp"}) {
    const auto email = open_email(email_with(reference), folder.path() / "tocsin.toml");
    ASSERT_TRUE(email.email->problem.has_value()) << reference;
    EXPECT_EQ(email.email->problem->code, "SETTINGS_INVALID");
    EXPECT_EQ(email.email->problem->place.key, "channels.email.password");
    EXPECT_EQ(email.email->problem->place.line, 5);
    EXPECT_FALSE(email.email->problem->remedy.empty());
    EXPECT_EQ(email.password().error().code, "SETTINGS_INVALID");
  }
}

TEST(SettingsSecrets, OfTheStoreSayWhatToUseInstead) {
  const auto email = open_email(email_with("secret:smtp"));
  EXPECT_NE(email.email->problem->remedy.find("env:NAME, file:PATH or credential:NAME"), std::string::npos);
}

TEST(SettingsSecrets, InAFileThatEverybodyCanReadAreAWarning) {
  const temporary_folder folder;
  const auto file = folder.write("password", "secret-x");
  const auto toml = folder.path() / "tocsin.toml";
  EXPECT_TRUE(good(email_with("file:password"), toml)->warnings().empty());
  std::filesystem::permissions(file, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  const auto all = good(email_with("file:password"), toml);
  ASSERT_EQ(all->warnings().size(), 1u);
  EXPECT_EQ(all->warnings()[0].place.key, "channels.email.password");
  EXPECT_NE(all->warnings()[0].remedy.find("chmod o-r"), std::string::npos);
}

TEST(SettingsSecrets, DoNotHoldTheHostUpInAFifo) {
  const temporary_folder folder;
  ASSERT_EQ(::system(("mkfifo '" + (folder.path() / "fifo").string() + "'").c_str()), 0);
  EXPECT_TRUE(open_email(email_with("file:fifo"), folder.path() / "tocsin.toml").email->problem.has_value());
}

TEST(SettingsSecrets, ChangeTheFingerprintsWithTheirValue) {
  ::setenv("TOCSIN_SECRET_TURNS", "one", 1);
  const auto first = open_email(email_with("env:TOCSIN_SECRET_TURNS"));
  const auto same = open_email(email_with("env:TOCSIN_SECRET_TURNS"));
  ::setenv("TOCSIN_SECRET_TURNS", "two", 1);
  const auto second = open_email(email_with("env:TOCSIN_SECRET_TURNS"));
  EXPECT_EQ(first.email->fingerprint, same.email->fingerprint);
  EXPECT_EQ(first.email->server_fingerprint, same.email->server_fingerprint);
  EXPECT_NE(first.email->fingerprint, second.email->fingerprint);
  EXPECT_NE(first.email->server_fingerprint, second.email->server_fingerprint);
}

TEST(SettingsSecrets, KeepTheirHandleOverAReload) {
  ::setenv("TOCSIN_SECRET_KEPT", "kept", 1);
  const auto before = open_email(email_with("env:TOCSIN_SECRET_KEPT"));
  const auto after = open_email(email_with("env:TOCSIN_SECRET_KEPT") + "port = 26\n");
  const auto handle = before.email->settings.at("password").at("secret").to_number<std::uint64_t>();
  EXPECT_EQ(after.all->secret(handle).value(), "kept");
  EXPECT_LT(handle, std::uint64_t{1} << 53);
  EXPECT_FALSE(good("")->secret(handle).has_value()) << "a secret that no setting names is not given out";
  EXPECT_FALSE(after.all->secret(0).has_value());
}

TEST(SettingsSecrets, AreBlottedOutOfTheLogFromThenOn) {
  ::setenv("TOCSIN_SECRET_LOGGED", "tell-nobody-7", 1);
  open_email(email_with("env:TOCSIN_SECRET_LOGGED"));
  EXPECT_EQ(log::redact("it is tell-nobody-7."), "it is ***.");
}

TEST(SettingsSecrets, OfSourcesHaveHandlesToo) {
  ::setenv("TOCSIN_SECRET_SOURCE", "source-key", 1);
  const auto all =
      good("[sources.l]\nplugin = \"license-status\"\npath = \"l.json\"\nkey = \"env:TOCSIN_SECRET_SOURCE\"\n");
  const auto& settings = all->sources().at(0).settings;
  EXPECT_EQ(all->secret(settings.at("key").at("secret").to_number<std::uint64_t>()).value(), "source-key");
  EXPECT_EQ(settings.at("path"), "/srv/tocsin/l.json");
  EXPECT_EQ(settings.at("interval"), 5000);
  EXPECT_FALSE(settings.contains("plugin"));
}

TEST(SettingsSecrets, WantTheFilesThatAPluginReads) {
  const temporary_folder folder;
  const auto toml = folder.path() / "tocsin.toml";
  const std::string text = email_with("") + "tls.ca_file = \"ca.pem\"\n";
  const auto missing = open_email(text, toml);
  ASSERT_TRUE(missing.email->problem.has_value());
  EXPECT_EQ(missing.email->problem->place.key, "channels.email.tls.ca_file");
  folder.write("ca.pem", "x");
  const auto there = open_email(text, toml);
  EXPECT_FALSE(there.email->problem.has_value());
  EXPECT_NE(there.email->server_fingerprint, missing.email->server_fingerprint) << "so that its pause ends";
}

TEST(SettingsFingerprints, ChangeWithWhatThePluginsFilesHold) {
  const temporary_folder folder;
  const auto toml = folder.path() / "tocsin.toml";
  const std::string text = email_with("") + "tls.ca_file = \"ca.pem\"\ntls.crl_files = [\"one.crl\", \"two.crl\"]\n";
  for (const char* name : {"ca.pem", "one.crl", "two.crl"}) folder.write(name, "first");
  auto before = open_email(text, toml);
  EXPECT_EQ(open_email(text, toml).email->fingerprint, before.email->fingerprint);
  EXPECT_EQ(open_email(text, toml).email->server_fingerprint, before.email->server_fingerprint);
  for (const char* name : {"ca.pem", "one.crl", "two.crl"}) {
    folder.write(name, "other");
    auto after = open_email(text, toml);
    EXPECT_FALSE(after.email->problem.has_value());
    EXPECT_NE(after.email->fingerprint, before.email->fingerprint) << name;
    EXPECT_NE(after.email->server_fingerprint, before.email->server_fingerprint) << name;
    before = std::move(after);
  }
}

TEST(SettingsFingerprints, CountLargeFilesBySizeAndTime) {
  const temporary_folder folder;
  const auto file = folder.write("large", "");
  const auto now = std::filesystem::file_time_type::clock::now();
  const auto print = [&](std::uintmax_t size, int seconds) {
    std::filesystem::resize_file(file, size);
    std::filesystem::last_write_time(file, now - std::chrono::seconds(seconds));
    return fingerprint_of_file(file);
  };
  constexpr std::uintmax_t most = 16u << 20;
  EXPECT_EQ(print(most, 1), print(most, 2)) << "the content is the same";
  EXPECT_EQ(print(most + 1, 1), print(most + 1, 1));
  EXPECT_NE(print(most + 1, 1), print(most + 1, 2));
  EXPECT_NE(print(most + 1, 1), print(most + 2, 1));
}

TEST(SettingsFingerprints, DoNotWaitForAFifo) {
  const temporary_folder folder;
  const auto fifo = folder.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(fingerprint_of_file(fifo), "");
  EXPECT_EQ(fingerprint_of_file(folder.path() / "nothing"), "");
}

}  // namespace
}  // namespace tocsin::test
