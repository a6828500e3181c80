// SPDX-License-Identifier: Apache-2.0
// The encodings that SMTP sign-in and MIME are made of. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tocsin::inbox {

std::string to_base64(std::string_view bytes);
// Strict (RFC 4648): no white space, correct padding; nothing if it is not that.
std::optional<std::string> from_base64(std::string_view text);
// As MIME bodies need it: what is outside the alphabet is skipped (RFC 2045, section 6.8).
std::string from_mime_base64(std::string_view text);
// RFC 2045, section 6.7; with underscores_are_spaces the Q encoding of RFC 2047.
std::string from_quoted_printable(std::string_view text, bool underscores_are_spaces = false);
std::string latin1_to_utf8(std::string_view text);
// HMAC-MD5 in hexadecimal (RFC 2195).
std::string hmac_md5_hex(std::string_view key, std::string_view message);

char to_lower(char letter);
std::string to_lower(std::string_view text);
bool equal_ignoring_case(std::string_view left, std::string_view right);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
std::string_view trimmed(std::string_view text);

}  // namespace tocsin::inbox
