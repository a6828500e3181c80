// Fingerprints of settings: the first 64 bits of a SHA-256 over fields, each with its length.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
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

// What a file holds now, as a field for a fingerprint: the SHA-256 of its content; of a file over 16 MiB, which would
// hold a reload up, its size and time of change; of anything else than a regular file that can be read, "".
std::string fingerprint_of_file(const std::string& path);

}  // namespace tocsin
