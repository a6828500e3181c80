// [secrets.NAME]: stores and the references to what they keep, before and after the stores have answered.
#include "core/observe/log.hpp"
#include "tests/unit/settings/settings_fixture.hpp"

#include <boost/json.hpp>

#include <map>

namespace tocsin::test {
namespace {

constexpr const char* vault = "[secrets.vault]\nplugin = \"vault\"\naddress = \"https://vault.test\"\n";

std::string email_with(const std::string& password) {
  return "[channels.email]\nplugin = \"smtp\"\nhost = \"h\"\nfrom_address = \"a@b\"\npassword = \"" + password + "\"\n";
}

endpoint_settings_ptr email_of(const settings& all) { return *all.endpoint("email", ""); }

result<std::string> password_of(const settings& all) {
  return all.secret(email_of(all)->settings.at("password").at("secret").to_number<std::uint64_t>());
}

secret_lookup answering(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const stored_secret& wanted) -> result<std::string> {
    const auto found = values.find(wanted.store + ":" + wanted.reference);
    if (found != values.end()) return found->second;
    return fault{"SETTINGS_INVALID", "The store has no " + wanted.reference + ".", "Put it there."};
  };
}

fault only_fault(const std::string& toml) {
  const auto loaded = load(toml);
  EXPECT_EQ(loaded.errors.size(), 1u);
  return loaded.errors.empty() ? fault{} : loaded.errors[0];
}

TEST(SettingsSecretStores, HaveTheirPluginsSettings) {
  ::setenv("TOCSIN_VAULT_TOKEN", "vault-token", 1);
  const auto all = good(std::string(vault) + "token = \"env:TOCSIN_VAULT_TOKEN\"\n");
  ASSERT_EQ(all->secret_stores().size(), 1u);
  const auto& store = all->secret_stores()[0];
  EXPECT_EQ(store.name, "vault");
  EXPECT_EQ(store.plugin, "vault");
  EXPECT_FALSE(store.problem);
  EXPECT_EQ(store.settings.at("address"), "https://vault.test");
  EXPECT_EQ(store.settings.at("timeout"), 5000);
  EXPECT_EQ(all->secret(store.settings.at("token").at("secret").to_number<std::uint64_t>()).value(), "vault-token");
  EXPECT_EQ(all->show("").at("secrets").at("vault").at("token"), "env:TOCSIN_VAULT_TOKEN");
  EXPECT_EQ(all->why("secrets.vault.address", "").at(0).level, "host");
}

TEST(SettingsSecretStores, ThatNobodyHasAskedAreNoProblemAndGiveNothing) {
  const auto all = good(vault + email_with("vault:smtp/orchestrator#password"));
  EXPECT_FALSE(email_of(*all)->problem);
  EXPECT_TRUE(endpoint_problems(*all).empty());
  EXPECT_NE(password_of(*all).error().what.find("has not been asked"), std::string::npos);
  EXPECT_EQ(all->show("").at("channels").at("email").at("password"), "vault:smtp/orchestrator#password");
}

TEST(SettingsSecretStores, AreAskedForEachReferenceOfAllLevelsOnce) {
  const auto all = good(vault + email_with("vault:b") +
                        "[sources.l]\nplugin = \"license-status\"\npath = \"l.json\"\nkey = \"vault:a\"\n"
                        "[organizations.acme.channels.email]\npassword = \"vault:c\"\n"
                        "[organizations.umbrella.channels.email]\npassword = \"vault:b\"\n");
  EXPECT_EQ(all->stored_secrets(), (std::vector<stored_secret>{{"vault", "a"}, {"vault", "b"}, {"vault", "c"}}));
}

TEST(SettingsSecretStores, GiveTheirValuesToTheSameFileResolvedAnew) {
  const auto asked = good(vault + email_with("vault:smtp"));
  const auto first = asked->with_stores(answering({{"vault:smtp", "from-the-vault"}}));
  EXPECT_FALSE(email_of(*first)->problem);
  EXPECT_EQ(password_of(*first).value(), "from-the-vault");
  EXPECT_EQ(log::redact("from-the-vault"), "***");
  EXPECT_EQ(boost::json::serialize(first->show("")).find("from-the-vault"), std::string::npos);
  const auto same = first->with_stores(answering({{"vault:smtp", "from-the-vault"}}));
  const auto other = first->with_stores(answering({{"vault:smtp", "rotated-value"}}));
  EXPECT_EQ(email_of(*first)->fingerprint, email_of(*same)->fingerprint);
  EXPECT_NE(email_of(*first)->fingerprint, email_of(*other)->fingerprint);
  EXPECT_NE(email_of(*first)->server_fingerprint, email_of(*other)->server_fingerprint);
  EXPECT_EQ(password_of(*other).value(), "rotated-value");
}

TEST(SettingsSecretStores, ThatHaveNoSuchSecretAreTheEndpointsProblemAtItsLine) {
  const auto all = good(vault + email_with("vault:gone"))->with_stores(answering({}));
  const auto problem = email_of(*all)->problem;
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->code, "SETTINGS_INVALID");
  EXPECT_EQ(problem->what, "The store has no gone.");
  EXPECT_EQ(problem->place.key, "channels.email.password");
  EXPECT_EQ(problem->place.line, 8);
  const auto given = all->with_stores(answering({{"vault:gone", "back again"}}));
  EXPECT_NE(email_of(*given)->server_fingerprint, email_of(*all)->server_fingerprint) << "so that its pause ends";
}

TEST(SettingsSecretStores, OfNoSuchNameAreRefusedWithTheNearest) {
  const auto why = only_fault(vault + email_with("valt:smtp"));
  EXPECT_EQ(why.place.key, "channels.email.password");
  EXPECT_EQ(why.place.line, 8);
  EXPECT_NE(why.remedy.find("Did you mean \"vault:\"?"), std::string::npos) << why.remedy;
  EXPECT_NE(only_fault(email_with("evn:SMTP")).remedy.find("Did you mean \"env:\"?"), std::string::npos);
  const auto typed = only_fault(email_with("hunter2:hunter3"));
  EXPECT_EQ(typed.to_string().find("hunter"), std::string::npos) << "it may be the password itself";
}

TEST(SettingsSecretStores, NeedSomethingUsableAfterTheColon) {
  EXPECT_NE(only_fault(vault + email_with("vault:")).what.find("No usable reference"), std::string::npos);
  EXPECT_NE(only_fault(vault + email_with("vault:a\\nb")).what.find("No usable reference"), std::string::npos);
}

TEST(SettingsSecretStores, CannotBeCalledAsWhatIsBuiltIn) {
  for (const char* name : {"env", "file", "credential", "secret"}) {
    const auto loaded = load("[secrets." + std::string(name) + "]\nplugin = \"vault\"\naddress = \"x\"\n");
    ASSERT_EQ(loaded.errors.size(), 1u) << name;
    EXPECT_EQ(loaded.errors[0].place.key, "secrets." + std::string(name));
    EXPECT_NE(loaded.errors[0].what.find("a meaning of its own"), std::string::npos);
  }
}

TEST(SettingsSecretStores, CannotNameWhatAStoreKeepsNotEvenAnothers) {
  for (const char* name : {"vault", "other"}) {
    const auto why = only_fault(std::string(vault) + "token = \"" + name +
                                ":token\"\n[secrets.other]\nplugin = \"vault\"\n"
                                "address = \"x\"\n");
    EXPECT_EQ(why.place.key, "secrets.vault.token");
    EXPECT_NE(why.what.find("own settings cannot name"), std::string::npos);
    EXPECT_NE(why.remedy.find("env:NAME"), std::string::npos);
  }
}

TEST(SettingsSecretStores, NeedAPluginThatIsOneAndItsKeys) {
  EXPECT_NE(only_fault("[secrets.v]\nplugin = \"smtp\"\n").what.find("is no secret store"), std::string::npos);
  EXPECT_EQ(only_fault("[secrets.v]\nplugin = \"vault\"\n").place.key, "secrets.v.address");
  EXPECT_EQ(only_fault("[secrets.v]\nplugin = \"vault\"\naddress = \"x\"\norganization = \"acme\"\n").place.key,
            "secrets.v.organization");
  const auto absent = good("[secrets.v]\nplugin = \"nobody\"\n" + email_with("v:x"));
  EXPECT_EQ(endpoint_problems(*absent).size(), 1u);
}

}  // namespace
}  // namespace tocsin::test
