// Foreign text made fit for a message: valid UTF-8, without control characters, bounded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

// Text of at most max_bytes that ends at a character, with "…" where something was cut off. Line breaks (CRLF, CR, LF)
// become LF, tabs stay; other control characters and what is not UTF-8 become U+FFFD.
std::string clean_text(std::string_view text, std::size_t max_bytes);

// The same on one line: line breaks and tabs become spaces, of which there are never two together nor at the ends;
// characters that turn the direction of writing are left out. At most max_characters.
std::string one_line(std::string_view text, std::size_t max_characters);

// How many characters (code points) a text has.
std::size_t count_characters(std::string_view text);

}  // namespace tocsin
