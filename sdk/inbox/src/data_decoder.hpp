// SPDX-License-Identifier: Apache-2.0
// Reads the message after DATA up to its end, CRLF . CRLF and nothing else, and takes the stuffed dots out. No I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::inbox {

class data_decoder {
 public:
  // For one message. What goes over limit is read and left out; size() counts it.
  explicit data_decoder(std::uint64_t limit = 0) : limit_(limit) {}
  // Takes from the front of input and appends to message. True: the end was read, what is left is the next command's.
  // Up to two bytes may stay in input until what follows is known.
  bool take(std::string_view& input, std::string& message);
  std::uint64_t size() const { return size_; }

 private:
  void append(std::string_view bytes, std::string& message);

  std::uint64_t limit_;
  std::uint64_t size_ = 0;
  bool at_line_start_ = true;
};

}  // namespace tocsin::inbox
