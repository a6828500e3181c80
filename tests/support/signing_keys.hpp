// Ed25519 key files for tests, made from a seed of 32 bytes as RFC 8032 has it.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace tocsin::test {

using key_seed = std::array<unsigned char, 32>;

inline key_seed seed_of(unsigned char filling) {
  key_seed seed{};
  seed.fill(filling);
  return seed;
}

inline std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_of(const key_seed& seed) {
  return {EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()), &EVP_PKEY_free};
}

// Writes a PEM file with OpenSSL. write: (FILE*) -> 1, if it is done.
template <class Write>
std::filesystem::path write_pem(const std::filesystem::path& file, mode_t mode, const Write& write) {
  std::FILE* out = std::fopen(file.c_str(), "wb");
  const bool done = out && write(out) == 1;
  if (out) std::fclose(out);
  if (!done || ::chmod(file.c_str(), mode) != 0) throw std::runtime_error("no key can be written to " + file.string());
  return file;
}

inline std::filesystem::path write_private_key(const std::filesystem::path& file, const key_seed& seed,
                                               const std::string& passphrase = {}) {
  return write_pem(file, 0600, [&](std::FILE* out) {
    const auto* words = reinterpret_cast<const unsigned char*>(passphrase.data());
    return PEM_write_PrivateKey(out, key_of(seed).get(), passphrase.empty() ? nullptr : EVP_aes_256_cbc(), words,
                                static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
}

inline std::filesystem::path write_public_key(const std::filesystem::path& file, const key_seed& seed) {
  return write_pem(file, 0644, [&](std::FILE* out) { return PEM_write_PUBKEY(out, key_of(seed).get()); });
}

}  // namespace tocsin::test
