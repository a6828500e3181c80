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
};

}  // namespace tocsin
