// SPDX-License-Identifier: Apache-2.0
// What a mail says: its headers unfolded and decoded, its text and HTML found in its MIME parts (RFC 2045, 2046, 2047).
#include <optional>
#include <string>
#include <string_view>
#include <tocsin/inbox/inbox.hpp>

#include "encoding.hpp"

namespace tocsin::inbox {
namespace {

constexpr int deepest_part = 16;

struct entity {
  std::string_view head;  // each line with its line end
  std::string_view body;
};

entity split_entity(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = text.find('\n', at);
    if (end == std::string_view::npos) break;
    if (trimmed(text.substr(at, end - at)).empty()) return {text.substr(0, at), text.substr(end + 1)};
    at = end + 1;
  }
  return {text, {}};
}

// The field's value as sent, line ends of folding taken out (RFC 5322, section 2.2.3).
std::optional<std::string> raw_header(std::string_view head, std::string_view name) {
  std::optional<std::string> value;
  for (std::size_t at = 0; at < head.size();) {
    auto end = head.find('\n', at);
    if (end == std::string_view::npos) end = head.size();
    auto line = head.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at = end + 1;
    const bool continues = line.starts_with(' ') || line.starts_with('\t');
    if (value && !continues) break;
    if (value) {
      value->append(line);
    } else if (!continues && starts_with_ignoring_case(line, name) && line.substr(name.size()).starts_with(':')) {
      value.emplace(line.substr(name.size() + 1));
    }
  }
  if (value) value = std::string(trimmed(*value));
  return value;
}

std::optional<std::string> to_utf8(std::string_view charset, std::string text) {
  if (charset.empty() || equal_ignoring_case(charset, "utf-8") || equal_ignoring_case(charset, "us-ascii")) return text;
  if (equal_ignoring_case(charset, "iso-8859-1")) return latin1_to_utf8(text);
  return std::nullopt;
}

struct encoded_word {
  std::string text;
  std::size_t length;  // as sent
};

// =?charset?B-or-Q?text?= at the start of text (RFC 2047, section 2).
std::optional<encoded_word> read_encoded_word(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  const auto after_charset = text.find('?', 2);
  if (after_charset == std::string_view::npos || after_charset + 2 >= text.size() || text[after_charset + 2] != '?') {
    return std::nullopt;
  }
  const auto start = after_charset + 3;
  const auto end = text.find("?=", start);
  if (end == std::string_view::npos) return std::nullopt;
  auto charset = text.substr(2, after_charset - 2);
  charset = charset.substr(0, charset.find('*'));  // without a language (RFC 2231, section 5)
  const auto coded = text.substr(start, end - start);
  if (coded.find(' ') != std::string_view::npos) return std::nullopt;
  const char encoding = to_lower(text[after_charset + 1]);
  if (encoding != 'b' && encoding != 'q') return std::nullopt;
  auto decoded = to_utf8(charset, encoding == 'b' ? from_mime_base64(coded) : from_quoted_printable(coded, true));
  if (!decoded) return std::nullopt;
  return encoded_word{std::move(*decoded), end + 2};
}

std::string decode_words(std::string_view value) {
  std::string out;
  std::size_t after_word = std::string::npos;  // where out ended behind the last encoded word
  while (!value.empty()) {
    if (auto word = read_encoded_word(value)) {
      // White space between two encoded words is not part of the text.
      if (after_word != std::string::npos && trimmed(std::string_view(out).substr(after_word)).empty()) {
        out.resize(after_word);
      }
      out += word->text;
      after_word = out.size();
      value.remove_prefix(word->length);
    } else {
      out += value.front();
      value.remove_prefix(1);
    }
  }
  return out;
}

std::string header_or(std::string_view head, std::string_view name, std::string_view otherwise) {
  auto value = raw_header(head, name);
  return value ? std::move(*value) : std::string(otherwise);
}

// A parameter of a structured field: boundary in multipart/mixed; boundary="x".
std::string parameter(std::string_view field, std::string_view name) {
  std::size_t at = field.find(';');
  while (at != std::string_view::npos) {
    auto rest = trimmed(field.substr(at + 1));
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) return {};
    const bool wanted = equal_ignoring_case(trimmed(rest.substr(0, equals)), name);
    rest = trimmed(rest.substr(equals + 1));
    std::string value;
    std::size_t used = 0;
    if (rest.starts_with('"')) {
      for (used = 1; used < rest.size() && rest[used] != '"'; ++used) {
        if (rest[used] == '\\' && used + 1 < rest.size()) ++used;
        value += rest[used];
      }
    } else {
      value = trimmed(rest.substr(0, rest.find(';')));
    }
    if (wanted) return value;
    const auto next = rest.find(';', used);
    at = next == std::string_view::npos ? next : static_cast<std::size_t>(rest.data() - field.data()) + next;
  }
  return {};
}

std::string_view media_type(std::string_view field) { return trimmed(field.substr(0, field.find(';'))); }

std::string decoded_body(const entity& part, std::string_view content_type) {
  const std::string encoding = header_or(part.head, "Content-Transfer-Encoding", "7bit");
  std::string body;
  if (equal_ignoring_case(encoding, "base64")) {
    body = from_mime_base64(part.body);
  } else if (equal_ignoring_case(encoding, "quoted-printable")) {
    body = from_quoted_printable(part.body);
  } else {
    body = part.body;
  }
  auto text = to_utf8(parameter(content_type, "charset"), body);
  if (!text) text = std::move(body);  // a charset that we do not have: the bytes as they are
  std::string lines;
  lines.reserve(text->size());
  for (std::size_t i = 0; i < text->size(); ++i) {
    if ((*text)[i] != '\r' || i + 1 == text->size() || (*text)[i + 1] != '\n') lines += (*text)[i];
  }
  return lines;
}

// The start of the next line that is a delimiter (RFC 2046, section 5.1.1), from a line's start on.
std::size_t find_delimiter(std::string_view text, const std::string& delimiter, std::size_t from) {
  for (auto at = text.find(delimiter, from); at != std::string_view::npos; at = text.find(delimiter, at + 1)) {
    if (at == 0 || text[at - 1] == '\n') return at;
  }
  return std::string_view::npos;
}

std::optional<std::string> find_part(std::string_view text, std::string_view wanted, int depth) {
  const entity part = split_entity(text);
  const std::string content_type = header_or(part.head, "Content-Type", "text/plain");
  const auto type = media_type(content_type);
  if (!starts_with_ignoring_case(type, "multipart/")) {
    const bool attached = starts_with_ignoring_case(header_or(part.head, "Content-Disposition", ""), "attachment");
    if (attached || !equal_ignoring_case(type, wanted)) return std::nullopt;
    return decoded_body(part, content_type);
  }
  const std::string delimiter = "--" + parameter(content_type, "boundary");
  if (delimiter.size() == 2 || depth == deepest_part) return std::nullopt;
  auto at = find_delimiter(part.body, delimiter, 0);
  while (at != std::string_view::npos && part.body.substr(at + delimiter.size(), 2) != "--") {
    const auto line_end = part.body.find('\n', at);
    if (line_end == std::string_view::npos) return std::nullopt;
    const auto start = line_end + 1;
    at = find_delimiter(part.body, delimiter, start);
    auto inner = part.body.substr(start, at == std::string_view::npos ? at : at - start);
    if (inner.ends_with('\n')) inner.remove_suffix(1);  // the line end before a delimiter belongs to it
    if (inner.ends_with('\r')) inner.remove_suffix(1);
    if (auto found = find_part(inner, wanted, depth + 1)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::string mail::header(const std::string& name) const {
  const auto value = raw_header(split_entity(data).head, name);
  return value ? decode_words(*value) : std::string();
}

std::string mail::text() const { return find_part(data, "text/plain", 0).value_or(""); }

std::string mail::html() const { return find_part(data, "text/html", 0).value_or(""); }

}  // namespace tocsin::inbox
