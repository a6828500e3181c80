// SPDX-License-Identifier: Apache-2.0
// The arguments of MAIL and RCPT (RFC 5321, section 4.1.2): a path, and parameters. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin::inbox {

struct envelope_argument {
  std::string address;  // without the angle brackets and a source route; empty: <>
  struct parameter {
    std::string keyword;  // in upper case
    std::string value;
  };
  std::vector<parameter> parameters;
};

// keyword: "FROM:" or "TO:". Nothing if the argument is not in the form that RFC 5321 gives it.
std::optional<envelope_argument> parse_envelope_argument(std::string_view keyword, std::string_view argument);

bool is_ascii(std::string_view text);

}  // namespace tocsin::inbox
