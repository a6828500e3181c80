// A body part's transfer encoding: 7bit as long as that is possible, else quoted-printable or base64 (RFC 2045).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin::smtp {

enum class transfer_encoding { seven_bit, quoted_printable, base64 };

// What the text needs, so that the result is ASCII in lines of at most 998 bytes whatever the server offers: a copy
// that is sent again, perhaps to another server, is the same byte for byte. `boundary_prefix` must not begin a line of
// 7bit text.
transfer_encoding choose_encoding(std::string_view text, std::string_view boundary_prefix);
std::string_view encoding_name(transfer_encoding encoding);

// Appends the text so encoded, with CRLF after every line, the last included; a lone CR or LF of the text is a line
// end. A line that begins with a dot gets a second one (RFC 5321 section 4.5.2).
void append_body(std::string& out, std::string_view text, transfer_encoding encoding);

}  // namespace tocsin::smtp
