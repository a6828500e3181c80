// Reads UTF-8 strictly (RFC 3629) and drops what has no place in a message.
#include "core/rendering/clean_text.hpp"

#include <cstdint>

namespace tocsin {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view ellipsis = "\xE2\x80\xA6";     // U+2026

struct character {
  char32_t value = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

character next_character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  char32_t value = lead & (0xFF >> (bytes + 1));
  for (std::size_t at = 1; at < bytes; ++at) {
    if ((byte(at) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(at) & 0x3F);
  }
  const char32_t least = bytes == 2 ? 0x80 : bytes == 3 ? 0x800 : 0x10000;
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, bytes, true};
}

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
    const character c = next_character(text);
    std::string_view piece = text.substr(0, c.bytes);
    if (c.valid && is_line_break(c.value)) {
      if (c.value == '\r' && text.size() > 1 && text[1] == '\n') {
        text.remove_prefix(1);
        continue;
      }
      piece = "\n";
    } else if (!c.valid || (is_control(c.value) && c.value != '\t')) {
      piece = replacement;
    }
    if (clean.size() + piece.size() > max_bytes) {
      clean += ellipsis;
      break;
    }
    clean += piece;
    text.remove_prefix(c.bytes);
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
    const character c = next_character(text);
    const std::string_view piece = c.valid ? text.substr(0, c.bytes) : replacement;
    text.remove_prefix(c.bytes);
    if (c.valid && turns_direction(c.value)) continue;
    if (c.valid && (c.value == ' ' || is_line_break(c.value) || is_control(c.value))) {
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
