// Drops what has no place in a message.
#include "core/rendering/clean_text.hpp"

#include "core/model/utf8.hpp"

#include <algorithm>

namespace tocsin {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view ellipsis = "\xE2\x80\xA6";     // U+2026

bool is_line_break(char32_t c) { return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029; }
bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }
// LRM, RLM, ALM, embeddings, overrides and isolates: in a subject they can make one text look like another.
bool turns_direction(char32_t c) {
  return c == 0x200E || c == 0x200F || c == 0x061C || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t max_bytes) {
  std::string clean;
  while (!text.empty()) {
    const utf8_character c = first_character(text);
    std::string_view piece = text.substr(0, c.size);
    if (c.size > 0 && is_line_break(c.value)) {
      if (c.value == '\r' && text.size() > 1 && text[1] == '\n') {
        text.remove_prefix(1);
        continue;
      }
      piece = "\n";
    } else if (c.size == 0 || (is_control(c.value) && c.value != '\t')) {
      piece = replacement;
    }
    if (clean.size() + piece.size() > max_bytes) {
      clean += ellipsis;
      break;
    }
    clean += piece;
    text.remove_prefix(std::max<std::size_t>(c.size, 1));
  }
  return clean;
}

std::string one_line(std::string_view text, std::size_t max_characters) {
  std::string line;
  std::size_t count = 0;
  std::size_t kept = 0;  // bytes of all but the last character that may stand there: the ellipsis takes its place
  const auto add = [&](std::string_view piece) {
    if (count == max_characters) return false;
    line += piece;
    if (++count + 1 == max_characters) kept = line.size();
    return true;
  };
  bool space = false;
  while (!text.empty()) {
    const utf8_character c = first_character(text);
    const std::string_view piece = c.size > 0 ? text.substr(0, c.size) : replacement;
    text.remove_prefix(std::max<std::size_t>(c.size, 1));
    if (c.size > 0 && turns_direction(c.value)) continue;
    if (c.size > 0 && (c.value == ' ' || is_line_break(c.value) || is_control(c.value))) {
      space = count > 0;
      continue;
    }
    if ((space && !add(" ")) || !add(piece)) {
      line.resize(kept);
      while (line.ends_with(' ')) line.pop_back();
      return line + std::string(ellipsis);
    }
    space = false;
  }
  return line;
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

}  // namespace tocsin
