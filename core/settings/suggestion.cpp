// Edit distance and the sentences made with it.
#include "core/settings/suggestion.hpp"

#include <algorithm>
#include <vector>

namespace tocsin {
namespace {

constexpr std::size_t longest_name = 256;  // beyond it a name is no typing error

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& letter : result) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    if (letter == '-') letter = '_';
  }
  return result;
}

}  // namespace

// Optimal string alignment, three rows.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view name, std::span<const std::string> known) {
  if (name.empty() || name.size() > longest_name) return "";
  const std::string wanted = lower(name);
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, std::min<std::size_t>(3, name.size() / 2)) + 1;
  for (const auto& candidate : known) {
    if (candidate.size() > longest_name) continue;
    const std::size_t distance = edit_distance(wanted, lower(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  return best ? *best : "";
}

std::string any_of(std::span<const std::string> names, std::string_view nothing) {
  if (names.empty()) return std::string(nothing);
  std::string text;
  for (std::size_t at = 0; at < names.size(); ++at) {
    if (at > 0) text += at + 1 == names.size() ? " or " : ", ";
    text += "\"" + names[at] + "\"";
  }
  return text;
}

std::string remedy_for_unknown(std::string_view name, std::span<const std::string> known) {
  const std::string near = nearest(name, known);
  std::string text = near.empty() ? "" : "Did you mean \"" + near + "\"? ";
  return text + "Known here: " + any_of(known) + ".";
}

}  // namespace tocsin
