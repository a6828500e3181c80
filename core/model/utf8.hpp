// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <string>
#include <string_view>

namespace tocsin {

bool is_utf8(std::string_view text);
// text with each byte that is no part of UTF-8 replaced by U+FFFD: what a foreign server said can be any bytes.
std::string make_utf8(std::string_view text);

}  // namespace tocsin
