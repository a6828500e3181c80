// SPDX-License-Identifier: Apache-2.0
// The little JSON that a plugin needs to read its settings and to write an event's data, so that it needs no library.
// For files and peers' answers use a real JSON library: this reader trusts that the host's text is JSON (other text is
// safe to read, but its faults are not told).
#pragma once

#include <tocsin/sdk/string.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace tocsin::sdk {

namespace detail {

// Walks over JSON text without building anything.
class json_cursor {
 public:
  explicit json_cursor(std::string_view text) noexcept : rest_(text) { skip_space(); }

  bool take(char wanted) noexcept {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    skip_space();
    return true;
  }

  // The next value as it stands in the text; empty: there is none.
  std::string_view value(unsigned depth = 0) noexcept {
    const char* begin = rest_.data();
    if (rest_.empty() || depth > 64) return {};
    const char first = rest_.front();
    bool good = true;
    if (first == '"') {
      good = skip_text();
    } else if (first == '{' || first == '[') {
      good = skip_container(first == '{' ? '}' : ']', first == '{', depth);
    } else {
      while (!rest_.empty() && std::string_view(",]} \t\r\n").find(rest_.front()) == std::string_view::npos) {
        rest_.remove_prefix(1);
      }
    }
    const char* end = rest_.data();
    skip_space();
    return good ? std::string_view(begin, static_cast<std::size_t>(end - begin)) : std::string_view();
  }

 private:
  void skip_space() noexcept {
    while (!rest_.empty() && std::string_view(" \t\r\n").find(rest_.front()) != std::string_view::npos) {
      rest_.remove_prefix(1);
    }
  }

  bool skip_text() noexcept {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char at = rest_.front();
      rest_.remove_prefix(1);
      if (at == '"') return true;
      if (at == '\\' && !rest_.empty()) rest_.remove_prefix(1);
    }
    return false;
  }

  bool skip_container(char closing, bool named, unsigned depth) noexcept {
    rest_.remove_prefix(1);
    skip_space();
    while (!rest_.empty() && rest_.front() != closing) {
      if (named && (value(depth + 1).empty() || !take(':'))) return false;
      if (value(depth + 1).empty()) return false;
      if (!take(',')) break;
    }
    if (rest_.empty() || rest_.front() != closing) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string_view rest_;
};

inline void append_utf8(std::string& to, std::uint32_t point) {
  if (point < 0x80) {
    to.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    to.push_back(static_cast<char>(0xc0 | (point >> 6)));
    to.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else if (point < 0x10000) {
    to.push_back(static_cast<char>(0xe0 | (point >> 12)));
    to.push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3f)));
    to.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else {
    to.push_back(static_cast<char>(0xf0 | (point >> 18)));
    to.push_back(static_cast<char>(0x80 | ((point >> 12) & 0x3f)));
    to.push_back(static_cast<char>(0x80 | ((point >> 6) & 0x3f)));
    to.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  }
}

// The four digits of \uXXXX at `at`, or nothing.
inline std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) noexcept {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  const char* end = text.data() + at + 4;
  const auto read = std::from_chars(text.data() + at, end, value, 16);
  return read.ec == std::errc() && read.ptr == end ? std::optional<std::uint32_t>(value) : std::nullopt;
}

// `quoted` is a JSON string with its quotes.
inline std::string unquote(std::string_view quoted) {
  const std::string_view text = quoted.substr(1, quoted.size() - 2);
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      plain.push_back(text[at]);
      continue;
    }
    const char escaped = text[++at];
    const std::string_view from = "bfnrt";
    const std::size_t known = from.find(escaped);
    if (known != std::string_view::npos) {
      plain.push_back("\b\f\n\r\t"[known]);
    } else if (escaped != 'u') {
      plain.push_back(escaped);
    } else if (const auto unit = hex4(text, at + 1)) {
      std::uint32_t point = *unit;
      at += 4;
      if (point >= 0xd800 && point < 0xdc00 && text.substr(at + 1, 2) == "\\u") {
        const auto low = hex4(text, at + 3);
        if (low && *low >= 0xdc00 && *low < 0xe000) {
          point = 0x10000 + ((point - 0xd800) << 10) + (*low - 0xdc00);
          at += 6;
        }
      }
      append_utf8(plain, point);
    }
  }
  return plain;
}

}  // namespace detail

// Reads one JSON object. Keys may be dotted: "limits.connections". A key that is not there, is null or has another type
// gives nothing. A view: the text must outlive it.
class json_reader {
 public:
  explicit json_reader(std::string_view object) noexcept : text_(object) {}

  // The value as JSON; empty: not there.
  std::string_view raw(std::string_view key) const noexcept {
    std::string_view at = text_;
    while (true) {
      const std::size_t dot = key.find('.');
      at = member(at, key.substr(0, dot));
      if (dot == std::string_view::npos || at.empty()) return at;
      key.remove_prefix(dot + 1);
    }
  }

  std::optional<std::string> text(std::string_view key) const {
    const std::string_view value = raw(key);
    if (value.size() < 2 || value.front() != '"') return std::nullopt;
    return detail::unquote(value);
  }

  // Durations are milliseconds and sizes bytes by the time that the host hands them over.
  std::optional<std::int64_t> integer(std::string_view key) const noexcept {
    const std::string_view value = raw(key);
    std::int64_t number = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
    if (value.empty() || read.ec != std::errc() || read.ptr != value.data() + value.size()) return std::nullopt;
    return number;
  }

  std::optional<bool> flag(std::string_view key) const noexcept {
    const std::string_view value = raw(key);
    if (value == "true") return true;
    if (value == "false") return false;
    return std::nullopt;
  }

  // The handle of a secret, for host().reveal(); nothing: it is not set.
  std::optional<std::uint64_t> secret(std::string_view key) const noexcept {
    const std::optional<std::int64_t> handle = json_reader(raw(key)).integer("secret");
    return handle && *handle >= 0 ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(*handle)) : std::nullopt;
  }

  json_reader object(std::string_view key) const noexcept { return json_reader(raw(key)); }

  // Calls visit(std::string_view) with each element of an array, as JSON.
  template <class Visit>
  void for_each(std::string_view key, Visit&& visit) const {
    detail::json_cursor cursor(raw(key));
    if (!cursor.take('[')) return;
    for (std::string_view value = cursor.value(); !value.empty(); value = cursor.value()) {
      visit(value);
      if (!cursor.take(',')) return;
    }
  }

 private:
  static std::string_view member(std::string_view object, std::string_view name) noexcept {
    detail::json_cursor cursor(object);
    if (!cursor.take('{')) return {};
    while (true) {
      const std::string_view key = cursor.value();
      if (key.size() < 2 || key.front() != '"' || !cursor.take(':')) return {};
      const std::string_view value = cursor.value();
      // The host writes keys as they are in the schema, without escapes.
      if (key.substr(1, key.size() - 2) == name) return value;
      if (!cursor.take(',')) return {};
    }
  }

  std::string_view text_;
};

// Text as a JSON string, with its quotes. UTF-8 stays as it is.
inline std::string json_text(std::string_view plain) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string quoted = "\"";
  quoted.reserve(plain.size() + 2);
  for (const char at : plain) {
    const unsigned char byte = static_cast<unsigned char>(at);
    if (at == '"' || at == '\\') {
      quoted.push_back('\\');
      quoted.push_back(at);
    } else if (byte >= 0x20) {
      quoted.push_back(at);
    } else {
      quoted.append("\\u00").push_back(digits[byte >> 4]);
      quoted.push_back(digits[byte & 0xf]);
    }
  }
  quoted.push_back('"');
  return quoted;
}

// Writes one JSON object, member by member.
class json_writer {
 public:
  json_writer& text(std::string_view key, std::string_view value) { return raw(key, json_text(value)); }
  json_writer& integer(std::string_view key, std::int64_t value) { return raw(key, std::to_string(value)); }
  json_writer& flag(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  json_writer& null(std::string_view key) { return raw(key, "null"); }
  // value is JSON already.
  json_writer& raw(std::string_view key, std::string_view value) {
    text_.append(text_.empty() ? "{" : ",").append(json_text(key)).append(":").append(value);
    return *this;
  }

  std::string str() const { return text_.empty() ? "{}" : text_ + "}"; }

 private:
  std::string text_;
};

}  // namespace tocsin::sdk
