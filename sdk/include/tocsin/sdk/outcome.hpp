// SPDX-License-Identifier: Apache-2.0
// What one attempt at a delivery came to, as a value.
#pragma once

#include <tocsin/abi/outcome.h>
#include <tocsin/sdk/string.hpp>

#include <cstdint>
#include <string_view>

namespace tocsin::sdk {

enum class outcome_class : std::uint32_t {
  delivered = TOCSIN_CLASS_DELIVERED,
  permanent = TOCSIN_CLASS_PERMANENT,
  transient = TOCSIN_CLASS_TRANSIENT,
  throttled = TOCSIN_CLASS_THROTTLED,
  config = TOCSIN_CLASS_CONFIG,
  auth = TOCSIN_CLASS_AUTH,
  uncertain = TOCSIN_CLASS_UNCERTAIN,
  returned = TOCSIN_CLASS_RETURNED
};

// Views only: all that they view must live until complete() returns.
struct outcome {
  outcome_class result = outcome_class::delivered;
  std::string_view code = "OK";      // one of the manifest's "codes"
  std::string_view detail;           // our words, one line
  std::string_view server_reply;     // the other side's words, one line
  std::string_view transcript;       // the dialogue, at most 8 KiB, without secrets
  std::int64_t retry_after_ms = -1;  // the other side's wish; -1: none

  static outcome delivered(std::string_view server_reply = {}) noexcept {
    outcome made;
    made.server_reply = server_reply;
    return made;
  }
  // Nothing was tried (stop, cancel): no attempt is counted.
  static outcome returned() noexcept {
    outcome made;
    made.result = outcome_class::returned;
    made.code = {};
    return made;
  }
  static outcome failed(outcome_class result, std::string_view code, std::string_view detail = {}) noexcept {
    outcome made;
    made.result = result;
    made.code = code;
    made.detail = detail;
    return made;
  }
};

inline tocsin_outcome to_abi(token delivery, const outcome& from) noexcept {
  tocsin_outcome to{};
  to.struct_size = sizeof(tocsin_outcome);
  to.outcome_class = static_cast<std::uint32_t>(from.result);
  to.delivery = delivery;
  to.code = to_abi(from.code);
  to.retry_after_ms = from.retry_after_ms;
  to.detail = to_abi(from.detail);
  to.server_reply = to_abi(from.server_reply);
  to.transcript = to_abi(from.transcript);
  return to;
}

}  // namespace tocsin::sdk
