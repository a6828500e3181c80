// Seals what is sensitive before it is written: AES-256-GCM with the key in <state_dir>/store.key.
#pragma once

#include "core/model/fault.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// Immutable once made. [any thread]
class sealing_key {
 public:
  sealing_key(sealing_key&& other) noexcept;
  sealing_key& operator=(sealing_key&&) = delete;
  ~sealing_key();  // overwrites the key

  // Nothing: there is no such file. Fault: STORE_FAILED.
  static result<std::optional<sealing_key>> load(const std::filesystem::path& file);
  // A new key in a new file, mode 0600, on disk before this returns. Fault: STORE_FAILED.
  static result<sealing_key> make(const std::filesystem::path& file);

  // The first 8 bytes of the key's SHA-256: tells which key sealed a text, and says nothing about it.
  const std::string& id() const { return id_; }

  // bound_to is sealed along without being stored: the text opens for the same one only, so that a sealed text cannot
  // be moved to another row. Fault: STORE_REFUSED, if OpenSSL cannot do it.
  result<std::string> seal(std::string_view text, std::int64_t bound_to) const;
  // Nothing: sealed by another key, for another row, or changed since.
  std::optional<std::string> open(std::string_view sealed, std::int64_t bound_to) const;

 private:
  using key_bytes = std::array<unsigned char, 32>;
  explicit sealing_key(const key_bytes& key);
  key_bytes key_;
  std::string id_;
};

}  // namespace tocsin
