// Key files: what is read, and what is said of those that are no such key.
#include "core/settings/key_file.hpp"
#include "settings_fixture.hpp"
#include "support/signing_keys.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <algorithm>

namespace tocsin {
namespace {

namespace fs = std::filesystem;
using test::temporary_folder;
using testing::HasSubstr;

// RFC 8032, 7.1, test 1.
constexpr test::key_seed rfc_secret = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                       0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                       0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
constexpr test::key_seed rfc_public = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
                                       0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
                                       0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};

bool same(const std::array<std::byte, 32>& read, const test::key_seed& known) {
  return std::equal(read.begin(), read.end(), known.begin(),
                    [](std::byte one, unsigned char other) { return std::to_integer<unsigned char>(one) == other; });
}

fs::path write_rsa_key(const fs::path& file, bool is_private) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(1024), &EVP_PKEY_free);
  return test::write_pem(file, 0600, [&](std::FILE* out) {
    return is_private ? PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr)
                      : PEM_write_PUBKEY(out, key.get());
  });
}

TEST(KeyFile, ReadsTheKeysOfRfc8032) {
  const temporary_folder folder;
  const auto secret = read_private_key(test::write_private_key(folder.path() / "private.pem", rfc_secret));
  ASSERT_TRUE(secret) << secret.error().to_string();
  EXPECT_TRUE(same(secret->secret, rfc_secret));
  EXPECT_TRUE(same(secret->public_part.raw, rfc_public));
  const auto known = read_public_key(test::write_public_key(folder.path() / "public.pem", rfc_secret));
  ASSERT_TRUE(known) << known.error().to_string();
  EXPECT_TRUE(same(known->raw, rfc_public));
  EXPECT_EQ(known->id, secret->public_part.id);
  EXPECT_EQ(known->file, folder.path() / "public.pem");
}

TEST(KeyFile, SaysOfAFileThatIsNoPublicKeyWhatItIs) {
  const temporary_folder folder;
  const auto said = [](const fs::path& file) {
    const auto key = read_public_key(file);
    EXPECT_FALSE(key.has_value()) << file;
    return key ? std::string() : key.error().to_string();
  };
  EXPECT_THAT(said(folder.path() / "nowhere.pem"), HasSubstr("cannot be read: No such file"));
  EXPECT_THAT(said(folder.path()), HasSubstr("is no regular file"));
  ASSERT_EQ(::mkfifo((folder.path() / "pipe.pem").c_str(), 0600), 0);
  EXPECT_THAT(said(folder.path() / "pipe.pem"), HasSubstr("is no regular file")) << "and nobody waits for a writer";
  EXPECT_THAT(said(folder.write("empty.pem", "")), HasSubstr("holds no public key in PEM form"));
  EXPECT_THAT(said(folder.write("words.pem", "not a key\n")), HasSubstr("openssl pkey -in PRIVATE.pem -pubout"));
  EXPECT_THAT(said(folder.write("large.pem", std::string(20'000, 'x'))), HasSubstr("too large for a key"));
  EXPECT_THAT(said(test::write_private_key(folder.path() / "private.pem", rfc_secret)),
              HasSubstr("holds a private key, which has no place on a host"));
  EXPECT_THAT(said(write_rsa_key(folder.path() / "rsa.pem", false)), HasSubstr("of another kind than Ed25519"));
  EXPECT_EQ(ERR_peek_error(), 0u) << "what stays in OpenSSL's queue would be taken for another call's error";
}

TEST(KeyFile, RefusesAPublicKeyThatEverybodyMayReplace) {
  const temporary_folder folder;
  const auto file = test::write_public_key(folder.path() / "public.pem", rfc_secret);
  ASSERT_EQ(::chmod(file.c_str(), 0646), 0);
  EXPECT_THAT(read_public_key(file).error().what, HasSubstr("may be written by everybody"));
}

TEST(KeyFile, SaysOfAFileThatIsNoPrivateKeyWhatItIs) {
  const temporary_folder folder;
  const auto said = [](const fs::path& file) {
    const auto key = read_private_key(file);
    EXPECT_FALSE(key.has_value()) << file;
    return key ? std::string() : key.error().to_string();
  };
  EXPECT_THAT(said(folder.path() / "nowhere.pem"), HasSubstr("cannot be read: No such file"));
  EXPECT_THAT(said(folder.write("words.pem", "not a key\n")), HasSubstr("openssl genpkey -algorithm ed25519"));
  EXPECT_THAT(said(test::write_private_key(folder.path() / "locked.pem", rfc_secret, "passphrase")),
              HasSubstr("locked with a passphrase, and nobody is asked for one here"));
  const auto known = test::write_public_key(folder.path() / "public.pem", rfc_secret);
  ASSERT_EQ(::chmod(known.c_str(), 0600), 0);
  EXPECT_THAT(said(known), HasSubstr("holds a public key, and signing takes the private one"));
  EXPECT_THAT(said(write_rsa_key(folder.path() / "rsa.pem", true)), HasSubstr("of another kind than Ed25519"));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(KeyFile, RefusesAPrivateKeyThatOthersMayRead) {
  const temporary_folder folder;
  const auto file = test::write_private_key(folder.path() / "private.pem", rfc_secret);
  for (const mode_t mode : {0640, 0604, 0620}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    EXPECT_THAT(read_private_key(file).error().to_string(), HasSubstr("open to others than its owner")) << mode;
  }
  ASSERT_EQ(::chmod(file.c_str(), 0400), 0);
  EXPECT_TRUE(read_private_key(file).has_value());
}

TEST(KeyFile, IsTrustedOnlyWhereNobodyElseCanPutAnotherInItsPlace) {
  const temporary_folder folder;
  const auto keys = folder.path() / "keys";
  fs::create_directory(keys);
  const auto file = test::write_public_key(keys / "acme.pem", rfc_secret);
  const auto said = [&file] {
    const auto key = read_trusted_key(file);
    return key ? std::string() : key.error().to_string();
  };
  EXPECT_EQ(said(), "");
  ASSERT_EQ(::chmod(file.c_str(), 0646), 0);
  EXPECT_THAT(said(), HasSubstr("acme.pem is not trusted: it may be written by everybody"));
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  ASSERT_EQ(::chmod(keys.c_str(), 0777), 0);
  EXPECT_THAT(said(), HasSubstr("keys above it may be written by everybody"));
  ASSERT_EQ(::chmod(keys.c_str(), 0755), 0);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(file.c_str(), 12345, static_cast<gid_t>(-1)), 0);
    EXPECT_THAT(said(), HasSubstr("it belongs to user 12345"));
    ASSERT_EQ(::chown(file.c_str(), 0, static_cast<gid_t>(-1)), 0);
  }
  fs::rename(file, keys / "elsewhere.pem");
  EXPECT_THAT(said(), HasSubstr("cannot be read: No such file"));
  fs::create_symlink("elsewhere.pem", file);
  EXPECT_THAT(said(), HasSubstr("is a symbolic link"));
}

TEST(SignedPlugins, DoNotTrustAKeyThatOthersMayReplace) {
  const temporary_folder folder;
  const auto file = test::write_public_key(folder.path() / "acme.pem", rfc_secret);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
  const auto found =
      test::load("[plugins]\nsigned = \"warn\"\ntrusted_keys = [\"acme.pem\"]\n", folder.path() / "tocsin.toml");
  ASSERT_EQ(found.errors.size(), 1u);
  EXPECT_EQ(found.errors[0].place.key, "plugins.trusted_keys");
  EXPECT_THAT(found.errors[0].what, HasSubstr("above it may be written by everybody"));
}

TEST(SignedPlugins, AskForNothingUnlessTheSettingsSaySo) {
  const auto all = test::good("");
  EXPECT_EQ(all->host().plugins.demand, signed_plugins::off);
  EXPECT_TRUE(all->host().plugins.trusted_keys.empty());
}

TEST(SignedPlugins, NameKeysByPathsThatStartAtTheSettingsFile) {
  const temporary_folder folder;
  fs::create_directory(folder.path() / "keys");
  test::write_public_key(folder.path() / "keys" / "acme.pem", rfc_secret);
  const auto all = test::good("[plugins]\nsigned = \"required\"\ntrusted_keys = [\"keys/acme.pem\"]\n",
                              folder.path() / "tocsin.toml");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->host().plugins.demand, signed_plugins::required);
  ASSERT_EQ(all->host().plugins.trusted_keys.size(), 1u);
  EXPECT_EQ(all->host().plugins.trusted_keys[0].file, folder.path() / "keys" / "acme.pem");
  EXPECT_TRUE(same(all->host().plugins.trusted_keys[0].raw, rfc_public));
}

TEST(SignedPlugins, AreAWrongConfigurationWhereAKeyCannotBeUsed) {
  const auto wrong = test::only_fault("[plugins]\nsigned = \"warn\"\ntrusted_keys = [\"keys/acme.pem\"]\n");
  EXPECT_EQ(wrong.place, (place{"/srv/tocsin/tocsin.toml", 3, 16, "plugins.trusted_keys"}));
  EXPECT_THAT(wrong.what, HasSubstr("/srv/tocsin/keys/acme.pem cannot be read"));
}

TEST(SignedPlugins, CannotBeRequiredWithoutAKey) {
  const auto wrong = test::only_fault("[plugins]\nsigned = \"required\"\n");
  EXPECT_EQ(wrong.place, (place{"/srv/tocsin/tocsin.toml", 2, 10, "plugins.signed"}));
  EXPECT_THAT(wrong.what, HasSubstr("no plugin could be loaded"));
}

TEST(SignedPlugins, AreNotLeftUncheckedSilentlyWhereKeysAreNamed) {
  const temporary_folder folder;
  test::write_public_key(folder.path() / "acme.pem", rfc_secret);
  const auto found = test::load("[plugins]\ntrusted_keys = [\"acme.pem\"]\n", folder.path() / "tocsin.toml");
  ASSERT_EQ(found.errors.size(), 1u);
  EXPECT_EQ(found.errors[0].place.key, "plugins.trusted_keys");
  EXPECT_THAT(found.errors[0].what, HasSubstr("nothing would be checked"));
  EXPECT_TRUE(test::load("[plugins]\nsigned = \"off\"\ntrusted_keys = [\"acme.pem\"]\n", folder.path() / "tocsin.toml")
                  .errors.empty());
}

TEST(SignedPlugins, TakeOneOfThreeWords) {
  EXPECT_EQ(test::only_fault("[plugins]\nsigned = \"maybe\"\n").place.key, "plugins.signed");
}

}  // namespace
}  // namespace tocsin
