// Overwrites the whole buffer of a string, short ones within the object included.
#include "core/runtime/wipe.hpp"

#include <string.h>

namespace tocsin {

void wipe(std::string& secret) noexcept {
  // What was moved from keeps a short text's bytes beyond its size: take all there is room for.
  const auto length = secret.capacity();
  secret.resize(length);  // within its capacity: nothing is allocated
  ::explicit_bzero(secret.data(), length);
  secret.clear();
}

}  // namespace tocsin
