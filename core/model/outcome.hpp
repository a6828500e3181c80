// What one attempt at a delivery came to.
#pragma once

#include "core/model/identifier.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tocsin {

// Values are those of TOCSIN_CLASS_... in tocsin/abi/outcome.h, where each is explained.
enum class outcome_class : std::uint32_t {
  delivered,
  permanent,
  transient,
  throttled,
  config,
  auth,
  uncertain,
  returned
};

struct outcome {
  delivery_id delivery{};
  std::uint32_t attempt = 0;  // which attempt it is the outcome of
  tocsin::outcome_class outcome_class = tocsin::outcome_class::transient;
  std::string code;
  std::optional<std::chrono::milliseconds> retry_after;
  std::string detail;        // our words
  std::string server_reply;  // theirs
  std::string transcript;    // bounded, without secrets
};

}  // namespace tocsin
