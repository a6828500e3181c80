// The signature's format and rule, as bytes: made, found, checked, and changed in every way.
#include "core/plugin_host/files/signature.hpp"

#include "core/plugin_host/files/signature_policy.hpp"
#include "support.hpp"
#include "support/signing_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include <cstring>
#include <fstream>

namespace tocsin {
namespace {

using testing::HasSubstr;
using content = std::vector<std::byte>;

content bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

content with(content first, const content& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

// A private key and its public part, read from files as they are in use.
struct key_pair {
  explicit key_pair(unsigned char filling)
      : secret(*read_private_key(test::write_private_key(folder.path() / "private.pem", test::seed_of(filling)))),
        known(*read_public_key(test::write_public_key(folder.path() / "public.pem", test::seed_of(filling)))) {}
  const test::temporary_folder folder;
  const signing_key secret;
  const trusted_key known;
};

class Signature : public testing::Test {
 protected:
  signature_state state_of(const content& file) const { return check_signature(file, trusted).state; }
  content sign(const content& file) const { return sign_bytes(file, own.secret).value(); }

  const key_pair own{1}, strange{2};
  const std::vector<trusted_key> trusted{own.known};
  const content library = bytes_of("a library, as far as a signature is concerned");
};

TEST_F(Signature, HoldsForTheFileThatWasSigned) {
  const content file = sign(library);
  ASSERT_EQ(file.size(), library.size() + signature_trailer_bytes);
  const auto found = check_signature(file, trusted);
  EXPECT_EQ(found.state, signature_state::valid) << found.reason;
  EXPECT_EQ(found.key_file, own.known.file);
  EXPECT_EQ(found.reason, "");
}

TEST_F(Signature, LiesInTheFileAsTheFormatSays) {
  const content file = sign(library);
  const auto at = [&](std::size_t offset, std::size_t count) {
    return std::string(reinterpret_cast<const char*>(file.data()) + library.size() + offset, count);
  };
  EXPECT_EQ(at(0, 16), "Tocsin signature");
  EXPECT_EQ(at(16, 8), std::string("\x01\0\0\0\x78\0\0\0", 8));
  EXPECT_EQ(std::memcmp(at(24, 32).data(), own.known.id.data(), 32), 0);

  // The same signature again, from what the format's document says is signed.
  std::string text("Tocsin plugin signature 1");
  text += '\0';
  unsigned char digest[64];
  SHA512(reinterpret_cast<const unsigned char*>(library.data()), library.size(), digest);
  text.append(reinterpret_cast<const char*>(digest), sizeof digest);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto key = test::key_of(test::seed_of(1));
  ASSERT_EQ(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()), 1);
  unsigned char made[64];
  std::size_t size = sizeof made;
  ASSERT_EQ(
      EVP_DigestSign(context.get(), made, &size, reinterpret_cast<const unsigned char*>(text.data()), text.size()), 1);
  EXPECT_EQ(at(56, 64), std::string(reinterpret_cast<const char*>(made), sizeof made));
}

TEST_F(Signature, OfAFileWithoutOneIsUnsigned) {
  EXPECT_EQ(state_of({}), signature_state::unsigned_file);
  EXPECT_EQ(state_of(library), signature_state::unsigned_file);
  EXPECT_EQ(state_of(content(1000, std::byte{0})), signature_state::unsigned_file);
  EXPECT_EQ(check_signature(library, trusted).reason, "it is not signed.");
}

TEST_F(Signature, OfAnotherKeyIsUnknownAndNamesTheKeyId) {
  const auto found = check_signature(sign_bytes(library, strange.secret).value(), trusted);
  EXPECT_EQ(found.state, signature_state::unknown_key);
  EXPECT_THAT(found.reason, HasSubstr(key_id_text(strange.known.id)));
  EXPECT_EQ(check_signature(sign(library), {}).state, signature_state::unknown_key);
}

TEST_F(Signature, HoldsForAnyOfTheTrustedKeys) {
  const std::vector both{strange.known, own.known};
  EXPECT_EQ(check_signature(sign(library), both).key_file, own.known.file);
  EXPECT_EQ(check_signature(sign_bytes(library, strange.secret).value(), both).key_file, strange.known.file);
}

TEST_F(Signature, DoesNotHoldOnceAnyBitIsChanged) {
  const content good = sign(library);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    content changed = good;
    changed[bit / 8] ^= std::byte(1u << bit % 8);
    EXPECT_NE(state_of(changed), signature_state::valid) << "bit " << bit;
  }
  EXPECT_EQ(ERR_peek_error(), 0u) << "what stays in OpenSSL's queue would be taken for another call's error";
}

TEST_F(Signature, SaysOfChangedContentThatItIsInvalid) {
  content changed = sign(library);
  changed[3] ^= std::byte{0x20};
  const auto found = check_signature(changed, trusted);
  EXPECT_EQ(found.state, signature_state::invalid);
  EXPECT_THAT(found.reason, HasSubstr("changed after it was signed"));
  EXPECT_THAT(found.reason, HasSubstr(own.known.file.string()));
  changed = sign(library);
  changed[library.size() + 16] = std::byte{2};
  EXPECT_THAT(check_signature(changed, trusted).reason, HasSubstr("of a version that this host does not know"));
}

TEST_F(Signature, DoesNotHoldForAnyPartOfTheFile) {
  const content good = sign(library);
  for (std::size_t length = 0; length < good.size(); ++length) {
    const content head(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    const content tail(good.end() - static_cast<std::ptrdiff_t>(length), good.end());
    EXPECT_NE(state_of(head), signature_state::valid) << "the first " << length;
    EXPECT_NE(state_of(tail), signature_state::valid) << "the last " << length;
  }
}

TEST_F(Signature, DoesNotHoldForAnotherFileOrWithMoreBehindIt) {
  const content good = sign(library);
  const content trailer(good.begin() + static_cast<std::ptrdiff_t>(library.size()), good.end());
  EXPECT_EQ(state_of(with(bytes_of("another library"), trailer)), signature_state::invalid);
  EXPECT_EQ(state_of(with(good, bytes_of("\n"))), signature_state::unsigned_file);
  EXPECT_EQ(state_of(with(with(library, bytes_of("x")), trailer)), signature_state::invalid);
  EXPECT_EQ(state_of(with(good, trailer)), signature_state::invalid) << "a trailer is no part of what it signs";
  EXPECT_EQ(state_of(trailer), signature_state::invalid);
}

TEST_F(Signature, IsReplacedWhenTheFileIsSignedAgain) {
  const content again = sign_bytes(sign(library), strange.secret).value();
  EXPECT_EQ(again, sign_bytes(library, strange.secret).value());
  EXPECT_EQ(sign(again), sign(library));
}

TEST_F(Signature, OfAnEmptyFileHoldsForNothingElse) {
  const content empty = sign({});
  EXPECT_EQ(state_of(empty), signature_state::valid);
  EXPECT_EQ(state_of(with(bytes_of("x"), empty)), signature_state::invalid);
}

signature_policy asking(signed_plugins demand) { return {demand, {}, {}}; }
signature_finding finding(signature_state state) { return {state, "it is so.", {}}; }

TEST(SignaturePolicy, RefusesWhatIsAskedForAndNotThere) {
  const auto off = asking(signed_plugins::off), warn = asking(signed_plugins::warn),
             required = asking(signed_plugins::required);
  struct expectation {
    signature_state state;
    bool off, warn, required, built_in_warn, built_in_required;  // loaded?
  };
  for (const auto& one : {
           expectation{signature_state::valid, true, true, true, true, true},
           expectation{signature_state::unsigned_file, true, true, false, true, true},
           expectation{signature_state::unknown_key, true, true, false, true, true},
           expectation{signature_state::invalid, true, false, false, false, false},
       }) {
    const auto found = finding(one.state);
    EXPECT_EQ(check_demand(found, false, off).has_value(), one.off) << to_text(one.state);
    EXPECT_EQ(check_demand(found, true, off).has_value(), one.off) << to_text(one.state);
    EXPECT_EQ(check_demand(found, false, warn).has_value(), one.warn) << to_text(one.state);
    EXPECT_EQ(check_demand(found, false, required).has_value(), one.required) << to_text(one.state);
    EXPECT_EQ(check_demand(found, true, warn).has_value(), one.built_in_warn) << to_text(one.state);
    EXPECT_EQ(check_demand(found, true, required).has_value(), one.built_in_required) << to_text(one.state);
  }
}

TEST(SignaturePolicy, WarnsOfWhatIsUsedWithoutATrustedSignature) {
  const auto warn = asking(signed_plugins::warn);
  EXPECT_TRUE(wants_warning(finding(signature_state::unsigned_file), false, warn));
  EXPECT_TRUE(wants_warning(finding(signature_state::unknown_key), false, warn));
  EXPECT_FALSE(wants_warning(finding(signature_state::valid), false, warn));
  EXPECT_FALSE(wants_warning(finding(signature_state::unsigned_file), true, warn)) << "built in";
  EXPECT_FALSE(wants_warning(finding(signature_state::unsigned_file), false, asking(signed_plugins::off)));
}

TEST(SignaturePolicy, TakesForBuiltInOnlyWhatLiesInThatVeryFolder) {
  const test::temporary_folder folder;
  std::filesystem::create_directories(folder.path() / "plugins" / "below");
  const signature_policy policy{signed_plugins::required, {}, folder.path() / "plugins"};
  for (const auto* place : {"plugins/a.so", "plugins/below/a.so", "a.so"})
    std::ofstream(folder.path() / place) << "any";
  const auto is = [&](const std::filesystem::path& file, const signature_policy& asked) {
    const auto read = plugin_file::read(folder.path() / file);
    EXPECT_TRUE(read) << file;
    return read && is_built_in(*read, asked);
  };
  EXPECT_TRUE(is("plugins/a.so", policy));
  EXPECT_TRUE(is("plugins/below/../a.so", policy));
  EXPECT_FALSE(is("plugins/below/a.so", policy));
  EXPECT_FALSE(is("a.so", policy));
  EXPECT_FALSE(is("plugins/a.so", asking(signed_plugins::required)));
}

TEST(SignaturePolicy, KeepsToTheFolderThatAFileWasReadFromThoughAnotherTakesItsName) {
  const test::temporary_folder folder;
  for (const auto* place : {"theirs", "installed"}) std::filesystem::create_directories(folder.path() / place);
  std::ofstream(folder.path() / "theirs/a.so") << "any";
  const signature_policy policy{signed_plugins::required, {}, folder.path() / "installed"};
  const auto read = plugin_file::read(folder.path() / "theirs/a.so");
  ASSERT_TRUE(read) << read.error().to_string();
  std::filesystem::rename(folder.path() / "theirs", folder.path() / "elsewhere");
  std::filesystem::create_directory_symlink(folder.path() / "installed", folder.path() / "theirs");
  EXPECT_FALSE(is_built_in(*read, policy));
}

}  // namespace
}  // namespace tocsin
