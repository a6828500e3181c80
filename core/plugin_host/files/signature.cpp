// Makes and checks the trailers with OpenSSL's Ed25519 (RFC 8032).
#include "core/plugin_host/files/signature.hpp"

#include "core/model/hex.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace tocsin {
namespace {

using bytes = std::span<const std::byte>;
using evp_key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using evp_context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

constexpr std::string_view magic = "Tocsin signature";  // 16 bytes, no terminator
constexpr std::uint32_t current_version = 1;
constexpr std::size_t version_offset = 16;
constexpr std::size_t size_offset = 20;
constexpr std::size_t key_id_offset = 24;
constexpr std::size_t signature_offset = 56;
constexpr std::size_t signature_bytes = signature_trailer_bytes - signature_offset;

// What is signed begins with this, so that the signature can be taken for nothing else.
constexpr std::string_view domain = "Tocsin plugin signature 1";

const unsigned char* raw(bytes from) { return reinterpret_cast<const unsigned char*>(from.data()); }

std::uint32_t number_at(bytes from, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t index = 4; index-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(from[offset + index]);
  return value;
}

void put_number(std::vector<std::byte>& to, std::uint32_t value) {
  for (int index = 0; index < 4; ++index) to.push_back(static_cast<std::byte>(value >> (8 * index) & 0xFF));
}

std::vector<unsigned char> signed_text(bytes content) {
  std::vector<unsigned char> text(domain.begin(), domain.end());
  text.push_back(0);
  unsigned char digest[SHA512_DIGEST_LENGTH];
  SHA512(raw(content), content.size(), digest);
  text.insert(text.end(), digest, digest + sizeof(digest));
  return text;
}

bool verifies(const signature_trailer& trailer, const trusted_key& key) {
  const evp_key made(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(key.raw), key.raw.size()),
                     &EVP_PKEY_free);
  const evp_context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto text = signed_text(trailer.content);
  const bool good =
      made && context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, made.get()) == 1 &&
      EVP_DigestVerify(context.get(), raw(trailer.signature), trailer.signature.size(), text.data(), text.size()) == 1;
  ERR_clear_error();  // the queue is the thread's: what stayed in it would be taken for another call's
  return good;
}

}  // namespace

std::optional<signature_trailer> find_signature(bytes file) {
  if (file.size() < signature_trailer_bytes) return std::nullopt;
  const bytes trailer = file.last(signature_trailer_bytes);
  if (std::memcmp(trailer.data(), magic.data(), magic.size()) != 0) return std::nullopt;
  signature_trailer found;
  // Another length is another version's, which this one cannot read.
  if (number_at(trailer, version_offset) == current_version &&
      number_at(trailer, size_offset) == signature_trailer_bytes)
    found.version = current_version;
  found.key_id = trailer.subspan(key_id_offset, signature_offset - key_id_offset);
  found.signature = trailer.subspan(signature_offset);
  found.content = file.first(file.size() - signature_trailer_bytes);
  return found;
}

std::string key_id_text(bytes key_id) { return to_hex(key_id); }

std::string_view to_text(signature_state state) {
  switch (state) {
    case signature_state::valid:
      return "valid";
    case signature_state::unsigned_file:
      return "unsigned";
    case signature_state::unknown_key:
      return "unknown key";
    case signature_state::invalid:
      return "invalid";
  }
  return "invalid";
}

signature_finding check_signature(bytes file, std::span<const trusted_key> trusted) {
  const auto trailer = find_signature(file);
  if (!trailer) return {signature_state::unsigned_file, "it is not signed.", {}};
  if (trailer->version != current_version) {
    return {
        signature_state::invalid, "its signature is of a version that this host does not know, or was changed.", {}};
  }
  const auto key = std::find_if(trusted.begin(), trusted.end(), [&](const trusted_key& known) {
    return std::equal(known.id.begin(), known.id.end(), trailer->key_id.begin(), trailer->key_id.end());
  });
  if (key == trusted.end()) {
    return {signature_state::unknown_key,
            "it is signed with a key that is not among the trusted ones (key id " + key_id_text(trailer->key_id) + ").",
            {}};
  }
  if (verifies(*trailer, *key)) return {signature_state::valid, {}, key->file};
  return {signature_state::invalid,
          "it was changed after it was signed: its signature does not hold with the key " + key->file.string() + ".",
          key->file};
}

result<std::vector<std::byte>> sign_bytes(bytes file, const signing_key& key) {
  if (const auto old = find_signature(file)) file = old->content;
  const auto text = signed_text(file);
  const evp_key made(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw(key.secret), key.secret.size()),
                     &EVP_PKEY_free);
  const evp_context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  unsigned char signature[signature_bytes];
  std::size_t size = sizeof(signature);
  const bool good = made && context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, made.get()) == 1 &&
                    EVP_DigestSign(context.get(), signature, &size, text.data(), text.size()) == 1 &&
                    size == sizeof(signature);
  ERR_clear_error();
  if (!good) return fault{"SIGNING_FAILED", "OpenSSL cannot sign with Ed25519 here.", "Check its configuration.", {}};
  std::vector<std::byte> whole(file.begin(), file.end());
  for (const char c : magic) whole.push_back(static_cast<std::byte>(c));
  put_number(whole, current_version);
  put_number(whole, signature_trailer_bytes);
  whole.insert(whole.end(), key.public_part.id.begin(), key.public_part.id.end());
  for (const unsigned char c : signature) whole.push_back(static_cast<std::byte>(c));
  return whole;
}

}  // namespace tocsin
