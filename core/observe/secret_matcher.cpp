// Sorted lists of secrets behind a filter of their first bytes.
#include "core/observe/secret_matcher.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <utility>

namespace tocsin::log {
namespace {

constexpr std::size_t bits_a_value = 16;  // of the filter: about one text position in 16 is searched for nothing

std::uint64_t hash_of_beginning(const char* text) {
  std::uint32_t first = 0;
  static_assert(sizeof(first) == secret_matcher::shortest);
  std::memcpy(&first, text, sizeof(first));
  return (first * std::uint64_t{0x9E3779B97F4A7C15}) >> 24;
}

}  // namespace

secret_matcher::level::level(std::vector<std::string> sorted) {
  const std::size_t bits = std::bit_ceil(std::max<std::size_t>(sorted.size() * bits_a_value, 64));
  mask = bits - 1;
  beginnings.resize(bits / 64);
  entries.reserve(sorted.size());
  for (std::string& value : sorted) {
    const std::uint64_t bit = hash_of_beginning(value.data()) & mask;
    beginnings[bit / 64] |= std::uint64_t{1} << (bit % 64);
    // What a value begins with stands before it: the last one, or one that the last one begins with.
    std::size_t shorter = entries.empty() ? none : entries.size() - 1;
    while (shorter != none && !value.starts_with(entries[shorter].value)) shorter = entries[shorter].shorter;
    entries.push_back({std::move(value), shorter});
  }
}

std::size_t secret_matcher::level::longest_at(std::string_view text) const {
  const std::uint64_t bit = hash_of_beginning(text.data()) & mask;
  if ((beginnings[bit / 64] >> (bit % 64) & 1) == 0) return 0;
  const auto after = std::upper_bound(entries.begin(), entries.end(), text,
                                      [](std::string_view wanted, const entry& one) { return wanted < one.value; });
  std::size_t at = after == entries.begin() ? none : static_cast<std::size_t>(after - entries.begin()) - 1;
  while (at != none && !text.starts_with(entries[at].value)) at = entries[at].shorter;
  return at == none ? 0 : entries[at].value.size();
}

secret_matcher::secret_matcher(std::vector<std::string> values)
    : secret_matcher(secret_matcher().with(std::move(values))) {}

secret_matcher secret_matcher::with(std::vector<std::string> values) const {
  std::erase_if(values, [](const std::string& value) { return value.size() < shortest; });
  secret_matcher made = *this;
  if (values.empty()) return made;
  std::sort(values.begin(), values.end());
  while (!made.levels_.empty() && made.levels_.back()->entries.size() <= 2 * values.size()) {
    std::vector<std::string> both;
    both.reserve(values.size() + made.levels_.back()->entries.size());
    for (const level::entry& one : made.levels_.back()->entries) both.push_back(one.value);
    const auto middle = static_cast<std::ptrdiff_t>(both.size());
    std::move(values.begin(), values.end(), std::back_inserter(both));
    std::inplace_merge(both.begin(), both.begin() + middle, both.end());
    values = std::move(both);
    made.levels_.pop_back();
  }
  values.erase(std::unique(values.begin(), values.end()), values.end());
  made.levels_.push_back(std::make_shared<const level>(std::move(values)));
  return made;
}

std::string secret_matcher::redact(std::string_view text) const {
  std::string clean;
  std::size_t kept = 0;        // up to here it is in `clean`, or blotted out
  std::size_t blotted_to = 0;  // the end of the range that is blotted out
  for (std::size_t at = 0; at + shortest <= text.size(); ++at) {
    std::size_t length = 0;
    for (const auto& one : levels_) length = std::max(length, one->longest_at(text.substr(at)));
    if (length == 0) continue;
    if (at >= blotted_to) {
      clean.append(text.substr(kept, at - kept)).append("***");
    }
    blotted_to = std::max(blotted_to, at + length);
    kept = blotted_to;
  }
  return clean.append(text.substr(kept));
}

}  // namespace tocsin::log
