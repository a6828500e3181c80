// SPDX-License-Identifier: Apache-2.0
// A strict parser for paths and parameters: a client that bends the syntax is to be found out.
#include "envelope.hpp"

#include <algorithm>

#include "encoding.hpp"

namespace tocsin::inbox {
namespace {

// Where the path that starts at text[0] == '<' ends; quoted strings may contain '>'.
std::size_t closing_bracket(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == '>') {
      return i;
    } else if (!quoted && (text[i] == ' ' || text[i] == '<')) {
      return std::string_view::npos;
    }
  }
  return std::string_view::npos;
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char letter) {
    const auto code = static_cast<unsigned char>(letter);
    return code < 0x20 || code == 0x7f;
  });
}

bool is_address(std::string_view text) {
  if (equal_ignoring_case(text, "postmaster")) return true;
  const auto at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  const auto local = text.substr(0, at);
  const bool quoted = local.size() >= 2 && local.front() == '"' && local.back() == '"';
  return quoted || local.find_first_of("\"@\\,;:()[]") == std::string_view::npos;
}

}  // namespace

std::optional<envelope_argument> parse_envelope_argument(std::string_view keyword, std::string_view argument) {
  if (!starts_with_ignoring_case(argument, keyword) || has_controls(argument)) return std::nullopt;
  argument.remove_prefix(keyword.size());
  if (!argument.starts_with('<')) return std::nullopt;
  const auto end = closing_bracket(argument);
  if (end == std::string_view::npos) return std::nullopt;
  auto path = argument.substr(1, end - 1);
  if (path.starts_with('@')) {  // a source route is accepted and ignored (RFC 5321, section 3.6.1)
    const auto colon = path.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    path.remove_prefix(colon + 1);
  }
  if (!path.empty() && !is_address(path)) return std::nullopt;

  envelope_argument result{std::string(path), {}};
  auto rest = argument.substr(end + 1);
  while (!rest.empty()) {
    if (!rest.starts_with(' ')) return std::nullopt;
    rest.remove_prefix(1);
    const auto word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    if (word.empty()) {
      if (rest.empty()) break;  // one space at the end of the line
      return std::nullopt;
    }
    const auto equals = word.find('=');
    std::string name(word.substr(0, equals));
    for (char& letter : name) letter = static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 32 : letter);
    result.parameters.push_back(
        {std::move(name), equals == std::string_view::npos ? std::string() : std::string(word.substr(equals + 1))});
  }
  return result;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) { return static_cast<unsigned char>(letter) < 0x80; });
}

}  // namespace tocsin::inbox
