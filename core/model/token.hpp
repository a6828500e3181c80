// A token as the store keeps it: what it allows, and only the hash of the token itself.
#pragma once

#include "core/model/event.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tocsin {

struct token_record {
  std::string name;
  std::string hash;                         // SHA-256, 32 bytes
  std::string scope;                        // "publish", "read", "operate" or "admin"
  std::optional<std::string> organization;  // the only one that it reaches
  std::vector<std::string> types;           // globs over the types of events that it may publish; none: all
  time_ms created = 0;
  std::optional<time_ms> revoked;  // it allows nothing any more
};

}  // namespace tocsin
