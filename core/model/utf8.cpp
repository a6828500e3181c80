// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
#include "core/model/utf8.hpp"

namespace tocsin {
namespace {

// How many bytes the character at the front has; 0: it is none.
std::size_t character_size(std::string_view text) {
  const auto byte = [text](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const unsigned lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  for (std::size_t at = 2; at < size; ++at)
    if ((byte(at) & 0xc0) != 0x80) return 0;
  return size;
}

}  // namespace

utf8_character first_character(std::string_view text) {
  const auto size = character_size(text);
  if (size == 0) return {};
  const auto lead = static_cast<unsigned char>(text.front());
  char32_t value = size == 1 ? lead : lead & (0xffu >> (size + 1));
  for (std::size_t at = 1; at < size; ++at) value = value << 6 | (static_cast<unsigned char>(text[at]) & 0x3fu);
  return {value, size};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto size = character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string make_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto size = character_size(text);
    out += size == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

}  // namespace tocsin
