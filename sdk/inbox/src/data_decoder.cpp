// SPDX-License-Identifier: Apache-2.0
// A search for CRLF and a dot; bare CR and bare LF are ordinary bytes of the message (RFC 5321, section 4.1.1.4).
#include "data_decoder.hpp"

namespace tocsin::inbox {

bool data_decoder::take(std::string_view& input, std::string& message) {
  while (!input.empty()) {
    if (at_line_start_ && input.front() == '.') {
      if (input.starts_with(".\r\n")) {
        input.remove_prefix(3);
        return true;
      }
      if (input == "." || input == ".\r") return false;
      input.remove_prefix(1);
    }
    at_line_start_ = false;
    const auto dot = input.find("\r\n.");
    if (dot != std::string_view::npos) {
      append(input.substr(0, dot + 2), message);
      input.remove_prefix(dot + 2);
      at_line_start_ = true;
      continue;
    }
    at_line_start_ = input.ends_with("\r\n");
    const std::size_t kept = !at_line_start_ && input.ends_with('\r') ? 1 : 0;
    append(input.substr(0, input.size() - kept), message);
    input.remove_prefix(input.size() - kept);
    if (kept != 0) return false;
  }
  return false;
}

void data_decoder::append(std::string_view bytes, std::string& message) {
  size_ += bytes.size();
  if (size_ <= limit_) message.append(bytes);
}

}  // namespace tocsin::inbox
