// A plugin file's signature: a trailer of fixed size behind the library. docs/formats/signature.md
#pragma once

#include "core/model/fault.hpp"
#include "core/settings/key_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

inline constexpr std::size_t signature_trailer_bytes = 120;

// What a trailer says. The views are into the bytes that were read.
struct signature_trailer {
  std::uint32_t version = 0;             // 0: not one that this host reads
  std::span<const std::byte> key_id;     // 32: SHA-256 of the public key's SubjectPublicKeyInfo, DER
  std::span<const std::byte> signature;  // 64: Ed25519
  std::span<const std::byte> content;    // what was signed: all before the trailer
};

// Nothing: the file does not end in a trailer. Trusts nothing in it.
std::optional<signature_trailer> find_signature(std::span<const std::byte> file);

// As people and openssl write it: hexadecimal.
std::string key_id_text(std::span<const std::byte> key_id);

enum class signature_state { valid, unsigned_file, unknown_key, invalid };
std::string_view to_text(signature_state state);  // "valid", "unsigned", "unknown key", "invalid"

struct signature_finding {
  signature_state state = signature_state::unsigned_file;
  std::string reason;              // a sentence that begins with "it" or "its"; empty: it is valid
  std::filesystem::path key_file;  // the trusted key that it names; empty: none
};

// Any byte of the file that was changed after signing makes it invalid, of an unknown key or unsigned.
signature_finding check_signature(std::span<const std::byte> file, std::span<const trusted_key> trusted);

// The file with a trailer; an old trailer is replaced. A fault: OpenSSL cannot sign.
result<std::vector<std::byte>> sign_bytes(std::span<const std::byte> file, const signing_key& key);

}  // namespace tocsin
