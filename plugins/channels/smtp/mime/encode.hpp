// The encodings of mail: base64, quoted-printable, encoded words (RFC 2045, RFC 2047). Each appends to a buffer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tocsin::smtp {

// No line breaks.
void append_base64(std::string& out, std::string_view bytes);
std::string to_base64(std::string_view bytes);
// Strict: padding where it is due, no other characters, at most max_bytes of result. Nothing: it is not base64.
std::optional<std::string> from_base64(std::string_view text, std::size_t max_bytes);

// The value of an unstructured header field (Subject), folded so that no line is longer than 78 bytes, `column` being
// where the first line stands already. Text beyond printable ASCII becomes encoded words; a character is never split; a
// line break, tab or other control character becomes a space, bytes that are no UTF-8 become U+FFFD.
void append_unstructured(std::string& out, std::string_view text, std::size_t column);

// A display name before an address: as it is, quoted, or as encoded words.
void append_phrase(std::string& out, std::string_view text, std::size_t column);

}  // namespace tocsin::smtp
