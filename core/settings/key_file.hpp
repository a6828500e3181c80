// Ed25519 keys in PEM files: the public ones that settings trust, and the private one that a plugin is signed with.
#pragma once

#include "core/model/fault.hpp"

#include <array>
#include <cstddef>
#include <filesystem>

namespace tocsin {

// An Ed25519 public key that signatures may be made with.
struct trusted_key {
  std::filesystem::path file;      // where it was read from
  std::array<std::byte, 32> id{};  // SHA-256 of its SubjectPublicKeyInfo, DER
  std::array<std::byte, 32> raw{};

  bool operator==(const trusted_key&) const = default;
};

// Refused: what is no Ed25519 public key in PEM form; a file that everybody may write.
result<trusted_key> read_public_key(const std::filesystem::path& file);

// The same, of a key that a host trusts: held to the rule for plugins' files, too (check_trust), since whoever can put
// another key there decides what runs. Refused: a link; a file that is not root's or this user's; one that others may
// write, or replace in a folder above it.
result<trusted_key> read_trusted_key(const std::filesystem::path& file);

// A private key; its secret is overwritten at its end.
struct signing_key {
  signing_key() = default;
  signing_key(signing_key&&) = default;
  signing_key& operator=(signing_key&&) = default;
  ~signing_key();

  trusted_key public_part;
  std::array<std::byte, 32> secret{};
};

// Refused: what is no Ed25519 private key in PEM form; one with a passphrase, since nobody is asked for it; a file that
// others than its owner may read.
result<signing_key> read_private_key(const std::filesystem::path& file);

}  // namespace tocsin
