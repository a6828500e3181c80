// A server's reply, as RFC 5321 section 4.2 has it.
#pragma once

#include <string>
#include <string_view>

namespace tocsin::smtp {

struct reply {
  int code = 0;          // 200..599
  std::string enhanced;  // RFC 3463 code of the first line, "5.7.8"; empty: none
  std::string text;      // the lines' text, without codes, joined by '\n'

  bool good() const { return code >= 200 && code < 300; }
  bool wants_more() const { return code >= 300 && code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }

  // "550 5.1.1 no such user / try again", on one line, as the server said it.
  std::string to_line() const;
};

// "5.7.8" at the beginning of a reply's text, if it agrees with the basic code's first digit; else empty.
std::string_view find_enhanced_code(int code, std::string_view text);

}  // namespace tocsin::smtp
