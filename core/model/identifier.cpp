#include "core/model/identifier.hpp"

#include <array>
#include <atomic>

namespace tocsin {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr int sequence_bits = 21;
constexpr std::size_t text_size = 13;

std::string encode(std::int64_t number) {
  std::string text(text_size, '0');
  auto rest = static_cast<std::uint64_t>(number);
  for (std::size_t at = text_size; at-- > 0; rest >>= 5) text[at] = alphabet[rest & 31];
  return text;
}

std::optional<std::int64_t> decode(std::string_view text) {
  if (text.size() != text_size) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : text) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const auto digit = alphabet.find(upper);
    if (digit == std::string_view::npos || number >> 58 != 0) return std::nullopt;
    number = number << 5 | digit;
  }
  return static_cast<std::int64_t>(number);
}

}  // namespace

std::string to_text(event_id id) { return encode(static_cast<std::int64_t>(id)); }
std::string to_text(delivery_id id) { return encode(static_cast<std::int64_t>(id)); }

std::optional<event_id> parse_event_id(std::string_view text) {
  const auto number = decode(text);
  return number ? std::optional(event_id{*number}) : std::nullopt;
}

std::optional<delivery_id> parse_delivery_id(std::string_view text) {
  const auto number = decode(text);
  return number ? std::optional(delivery_id{*number}) : std::nullopt;
}

std::int64_t identifier_source::next(std::int64_t now_ms) {
  const std::atomic_ref<std::int64_t> last(last_);
  const std::int64_t base = now_ms << sequence_bits;
  std::int64_t seen = last.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t mine = seen < base ? base : seen + 1;
    if (last.compare_exchange_weak(seen, mine, std::memory_order_relaxed)) return mine;
  }
}

void identifier_source::raise_to(std::int64_t lowest) {
  const std::atomic_ref<std::int64_t> last(last_);
  std::int64_t seen = last.load(std::memory_order_relaxed);
  while (seen < lowest && !last.compare_exchange_weak(seen, lowest, std::memory_order_relaxed)) {
  }
}

}  // namespace tocsin
