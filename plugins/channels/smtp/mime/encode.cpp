// The encodings of mail headers: base64 and encoded words.
#include "plugins/channels/smtp/mime/encode.hpp"

#include "plugins/channels/smtp/mime/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tocsin::smtp {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view hex_digits = "0123456789ABCDEF";
constexpr std::size_t max_line = 78;
constexpr std::size_t max_word = 75;  // RFC 2047 section 2
constexpr std::string_view word_begin_q = "=?UTF-8?Q?";
constexpr std::string_view word_begin_b = "=?UTF-8?B?";
constexpr std::string_view word_end = "?=";
constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

constexpr std::array<std::int8_t, 256> make_base64_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < base64_digits.size(); ++i) {
    values[static_cast<unsigned char>(base64_digits[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr std::array<std::int8_t, 256> base64_values = make_base64_values();

// UTF-8 without control characters: what a header may say at all.
std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += replacement;
      text.remove_prefix(1);
      continue;
    }
    const auto first = static_cast<unsigned char>(text[0]);
    if (text.starts_with("\r\n")) {
      out += ' ';
      text.remove_prefix(2);
      continue;
    }
    if (first < 0x20 || first == 0x7f) {
      out += ' ';
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out;
}

// True if the text can stand in a header as it is: every word fits a line, no space would be lost or look like one of a
// fold, and nothing looks like an encoded word.
bool is_plain(std::string_view text, std::size_t column) {
  if (!is_ascii(text) || text.find("=?") != std::string_view::npos) return false;
  if (text.empty()) return true;
  if (text.front() == ' ' || text.back() == ' ' || text.find("  ") != std::string_view::npos) return false;
  std::size_t word = column;  // the first word stands behind the field's name
  for (const char c : text) {
    word = c == ' ' ? 1 : word + 1;
    if (word > max_line) return false;
  }
  return true;
}

void append_folded(std::string& out, std::string_view text, std::size_t column) {
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (!first) {
      if (column + 1 + word.size() > max_line) {
        out += "\r\n ";
        column = 1;
      } else {
        out += ' ';
        ++column;
      }
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
    first = false;
  }
}

// Safe in an encoded word anywhere, a phrase included (RFC 2047 section 5 (3)).
bool is_q_safe(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '!' || c == '*' ||
         c == '+' || c == '-' || c == '/';
}

std::size_t q_size(std::string_view character) {
  if (character.size() > 1) return 3 * character.size();
  return is_q_safe(character[0]) || character[0] == ' ' ? 1 : 3;
}

void append_q(std::string& out, std::string_view character) {
  for (const char c : character) {
    if (c == ' ') {
      out += '_';
    } else if (is_q_safe(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '=';
      out += hex_digits[byte >> 4U];
      out += hex_digits[byte & 15U];
    }
  }
}

// text is clean UTF-8.
void append_words(std::string& out, std::string_view text, std::size_t column) {
  std::size_t as_q = 0;
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(utf8_length(rest))) {
    as_q += q_size(rest.substr(0, utf8_length(rest)));
  }
  // Q stays legible; beyond half as long again base64 is the better one.
  const bool use_q = as_q * 2 <= (text.size() + 2) / 3 * 4 * 3;
  const std::size_t frame = word_begin_q.size() + word_end.size();

  bool first = true;
  while (!text.empty()) {
    if (!first) {
      out += "\r\n ";
      column = 1;
    }
    first = false;
    std::size_t room = std::min(max_word, max_line - std::min(max_line, column));
    room = room > frame + 12 ? room - frame : 0;  // 12: the longest character, four bytes as =XX
    if (room == 0) continue;                      // too far to the right: begin on the next line
    // As many whole characters as fit.
    std::size_t taken = 0;
    std::size_t size = 0;
    while (taken < text.size()) {
      const std::string_view rest = text.substr(taken);
      const std::string_view character = rest.substr(0, utf8_length(rest));
      const std::size_t next = use_q ? size + q_size(character) : (taken + character.size() + 2) / 3 * 4;
      if (next > room) break;
      size = next;
      taken += character.size();
    }
    out += use_q ? word_begin_q : word_begin_b;
    if (use_q) {
      append_q(out, text.substr(0, taken));
    } else {
      append_base64(out, text.substr(0, taken));
    }
    out += word_end;
    text.remove_prefix(taken);
  }
}

bool is_phrase_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ' ||
         std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  std::size_t i = 0;
  for (; i + 2 < bytes.size(); i += 3) {
    const std::uint32_t group = at(i) << 16U | at(i + 1) << 8U | at(i + 2);
    const char digits[4] = {base64_digits[group >> 18U], base64_digits[group >> 12U & 63U],
                            base64_digits[group >> 6U & 63U], base64_digits[group & 63U]};
    out.append(digits, 4);
  }
  if (i + 1 == bytes.size()) {
    const std::uint32_t group = at(i) << 16U;
    out += base64_digits[group >> 18U];
    out += base64_digits[group >> 12U & 63U];
    out += "==";
  } else if (i + 2 == bytes.size()) {
    const std::uint32_t group = at(i) << 16U | at(i + 1) << 8U;
    out += base64_digits[group >> 18U];
    out += base64_digits[group >> 12U & 63U];
    out += base64_digits[group >> 6U & 63U];
    out += '=';
  }
}

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  append_base64(out, bytes);
  return out;
}

std::optional<std::string> from_base64(std::string_view text, std::size_t max_bytes) {
  if (text.size() % 4 != 0 || text.size() / 4 * 3 > max_bytes + 2) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    const bool last = i + 4 == text.size();
    const std::size_t digits = last ? 4 - padding : 4;
    for (std::size_t j = 0; j < 4; ++j) {
      const int value = j < digits ? base64_values[static_cast<unsigned char>(text[i + j])] : 0;
      if (value < 0) return std::nullopt;
      group = group << 6U | static_cast<std::uint32_t>(value);
    }
    out += static_cast<char>(group >> 16U & 255U);
    if (digits > 2) out += static_cast<char>(group >> 8U & 255U);
    if (digits > 3) out += static_cast<char>(group & 255U);
  }
  if (out.size() > max_bytes) return std::nullopt;
  return out;
}

void append_unstructured(std::string& out, std::string_view text, std::size_t column) {
  const std::string cleaned = clean(text);
  if (is_plain(cleaned, column)) {
    append_folded(out, cleaned, column);
  } else {
    append_words(out, cleaned, column);
  }
}

void append_phrase(std::string& out, std::string_view text, std::size_t column) {
  const std::string cleaned = clean(text);
  if (!is_plain(cleaned, column)) {
    append_words(out, cleaned, column);
  } else if (std::all_of(cleaned.begin(), cleaned.end(), is_phrase_character)) {
    append_folded(out, cleaned, column);
  } else if (column + 2 * cleaned.size() + 2 > max_line) {
    append_words(out, cleaned, column);  // a quoted string is not folded
  } else {
    out += '"';
    for (const char c : cleaned) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
}

}  // namespace tocsin::smtp
