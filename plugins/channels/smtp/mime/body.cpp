// A body part's transfer encoding: 7bit as long as that is possible, else quoted-printable or base64.
#include "plugins/channels/smtp/mime/body.hpp"

#include "plugins/channels/smtp/mime/encode.hpp"

#include <algorithm>
#include <cstring>

namespace tocsin::smtp {
namespace {

constexpr std::size_t max_seven_bit_line = 998;
constexpr std::size_t max_encoded_line = 76;
constexpr std::string_view hex_digits = "0123456789ABCDEF";

// Calls take for every line of text; a line ends with LF, CRLF or CR.
template <class Take>
void for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto* newline = static_cast<const char*>(std::memchr(text.data(), '\n', text.size()));
    const std::size_t end = newline == nullptr ? text.size() : static_cast<std::size_t>(newline - text.data());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    for (std::size_t stop = line.find('\r'); stop != std::string_view::npos; stop = line.find('\r')) {
      take(line.substr(0, stop));
      line.remove_prefix(stop + 1);
    }
    take(line);
  }
}

void append_stuffed(std::string& out, std::string_view line) {
  if (!line.empty() && line.front() == '.') out += '.';
  out += line;
  out += "\r\n";
}

void append_quoted_printable_line(std::string& out, std::string_view line) {
  std::size_t begin = out.size();  // of the present output line, dot-stuffing left out
  const auto break_softly = [&] {
    out += "=\r\n";
    begin = out.size();
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const auto byte = static_cast<unsigned char>(c);
    const bool last = i + 1 == line.size();
    const bool blank = c == ' ' || c == '\t';
    const bool as_it_is = (byte >= 0x21 && byte <= 0x7e && c != '=') || (blank && !last);
    const std::size_t size = as_it_is ? 1 : 3;
    // One column is kept for the '=' of a soft break, unless this character ends the line.
    if (out.size() - begin + size > max_encoded_line - (last ? 0 : 1)) break_softly();
    if (!as_it_is) {
      const char digits[3] = {'=', hex_digits[byte >> 4U], hex_digits[byte & 15U]};
      out.append(digits, 3);
    } else if (c == '.' && out.size() == begin) {
      out += "..";
      ++begin;
    } else {
      out += c;
    }
  }
  out += "\r\n";
}

void append_base64_lines(std::string& out, std::string_view text) {
  std::string normalised;
  normalised.reserve(text.size() + text.size() / 16 + 2);
  for_each_line(text, [&](std::string_view line) { normalised.append(line).append("\r\n"); });
  std::string_view rest = normalised;
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, max_encoded_line / 4 * 3);
    append_base64(out, piece);
    out += "\r\n";
    rest.remove_prefix(piece.size());
  }
}

}  // namespace

transfer_encoding choose_encoding(std::string_view text, std::string_view boundary_prefix) {
  std::size_t special = 0;  // bytes that quoted-printable writes as three
  std::size_t beyond = 0;   // of these, beyond ASCII
  std::size_t line_begin = 0;
  bool long_line = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n' || byte == '\r') {
      long_line |= i - line_begin > max_seven_bit_line;
      line_begin = i + 1;
    } else if (byte >= 0x7f || (byte < 0x20 && byte != '\t')) {
      ++special;
      beyond += byte >= 0x80 ? 1 : 0;
    }
  }
  long_line |= text.size() - line_begin > max_seven_bit_line;
  if (special == 0 && !long_line && (boundary_prefix.empty() || text.find(boundary_prefix) == std::string_view::npos)) {
    return transfer_encoding::seven_bit;
  }
  // Above one byte in six base64 is the shorter one.
  return beyond * 6 > text.size() ? transfer_encoding::base64 : transfer_encoding::quoted_printable;
}

std::string_view encoding_name(transfer_encoding encoding) {
  switch (encoding) {
    case transfer_encoding::seven_bit:
      return "7bit";
    case transfer_encoding::quoted_printable:
      return "quoted-printable";
    case transfer_encoding::base64:
      break;
  }
  return "base64";
}

void append_body(std::string& out, std::string_view text, transfer_encoding encoding) {
  if (encoding == transfer_encoding::base64) {
    append_base64_lines(out, text);
    return;
  }
  if (encoding == transfer_encoding::seven_bit) {
    for_each_line(text, [&](std::string_view line) { append_stuffed(out, line); });
  } else {
    for_each_line(text, [&](std::string_view line) { append_quoted_printable_line(out, line); });
  }
}

}  // namespace tocsin::smtp
