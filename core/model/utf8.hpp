// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

struct utf8_character {
  char32_t value = 0;
  std::size_t size = 0;  // in bytes; 0: the first byte is no part of UTF-8
};
// The one at the front of what is not empty.
utf8_character first_character(std::string_view text);

bool is_utf8(std::string_view text);
// text with each byte that is no part of UTF-8 replaced by U+FFFD: what a foreign server said can be any bytes.
std::string make_utf8(std::string_view text);

}  // namespace tocsin
