// What the files that implement `tables` share.
#pragma once

#include "core/store/tables.hpp"

namespace tocsin {

struct tables::delivery_context {
  std::int64_t event = 0;
  std::int64_t organization = 0;
  int severity = 0;
  bool sensitive = false;
  time_ms created = 0;
  time_ms lease_until = 0;
  std::optional<std::int64_t> source_hash;
};

// An organization that is served in a lease.
struct tables::turn {
  std::int64_t organization = 0;
  std::vector<leased_delivery> leased;
  bool exhausted = false;  // nothing more of it is due
};

}  // namespace tocsin
