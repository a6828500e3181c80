// Envelope addresses: what may stand in MAIL FROM and RCPT TO (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
#pragma once

#include <string>
#include <string_view>

namespace tocsin::smtp {

struct address {
  std::string mailbox;          // local@domain; an internationalized domain in A-labels
  bool needs_smtputf8 = false;  // the local part goes beyond ASCII

  std::string path() const { return "<" + mailbox + ">"; }
};

struct address_result {
  address value;
  std::string why;  // one sentence without a full stop; empty: value is an address

  explicit operator bool() const { return why.empty(); }
};

// Refuses everything that could be more than one address: control characters, CR, LF and NUL above all.
address_result parse_address(std::string_view text);

// What was refused, quoted for one line of text: control characters as "?", cut after 254 bytes.
std::string shown_address(std::string_view text);

}  // namespace tocsin::smtp
