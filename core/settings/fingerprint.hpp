// Fingerprints of settings: the first 64 bits of a SHA-256 over fields, each with its length.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace tocsin {

class fingerprint_maker {
 public:
  fingerprint_maker();
  ~fingerprint_maker();

  fingerprint_maker& add(std::string_view field);
  // Ends it; never 0.
  std::uint64_t finish();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace tocsin
