// Composes a mail: headers, text and HTML, ready for the wire. The hot path: one buffer, appended to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin::smtp {

// Who it is from, made once for an endpoint: "From: name <address>\r\n".
std::string compose_from(std::string_view name, std::string_view mailbox);

struct mail_parts {
  std::string_view from_field;  // of compose_from()
  std::string_view to;          // a mailbox, as parse_address() returned it
  std::string_view subject;
  std::string_view message_id;  // without angle brackets
  std::int64_t created_ms = 0;  // Unix time
  std::string_view text;        // empty: none
  std::string_view html;        // empty: none
};

// The mail as it follows the answer to DATA: CRLF only, dots doubled, the final dot included. The same parts give the
// same bytes. Everything but a non-ASCII mailbox is ASCII, so that 8BITMIME is never needed. No value of a part can add
// a header field.
std::string compose(const mail_parts& parts);

// What compose() appends after the mail.
inline constexpr std::string_view end_of_data = ".\r\n";

// "Fri, 21 Nov 2025 23:53:01 +0000" (RFC 5322 section 3.3).
std::string format_date(std::int64_t unix_ms);

}  // namespace tocsin::smtp
