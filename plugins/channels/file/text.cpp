// Text of any origin made fit for a file: UTF-8, headers, names of files, dates.
#include "plugins/channels/file/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace tocsin::file {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

// The length of the character at the front, or 0 if it is no UTF-8 (RFC 3629).
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool beyond = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// "=?utf-8?B?...?=" of whole characters, each at most 75 bytes long (RFC 2047, section 2).
std::string encoded_words(std::string_view text) {
  constexpr std::size_t most = 45;  // bytes that become 60 of base64
  std::string out;
  while (!text.empty()) {
    std::size_t length = 0;
    while (length < text.size()) {
      const std::size_t next = character_length(text.substr(length));
      if (length + next > most) break;
      length += next;
    }
    if (!out.empty()) out += "\n ";
    out.append("=?utf-8?B?").append(to_base64(text.substr(0, length))).append("?=");
    text.remove_prefix(length);
  }
  return out;
}

std::string fold(std::string_view text) {
  std::string out;
  std::size_t column = 30;  // the header's name is before it
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find(' ', at + 1);
    if (end == std::string_view::npos) end = text.size();
    if (column + (end - at) > 76 && text[at] == ' ') {
      out += '\n';
      column = 0;
    }
    out += text.substr(at, end - at);
    column += end - at;
    at = end;
  }
  return out;
}

std::tm civil(std::int64_t unix_ms) {
  // The years 1900 to 9999: what both formats can say.
  const std::int64_t seconds = unix_ms / 1000 - (unix_ms % 1000 < 0 ? 1 : 0);
  const std::time_t time = std::clamp<std::int64_t>(seconds, -2208988800, 253402300799);
  std::tm parts{};
  gmtime_r(&time, &parts);
  return parts;
}

}  // namespace

std::string clean_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::string header_text(std::string_view text) {
  std::string clean = clean_utf8(text);
  std::replace_if(clean.begin(), clean.end(), is_control, ' ');
  const bool plain = std::all_of(clean.begin(), clean.end(), [](char c) { return c >= 0x20 && c < 0x7f; }) &&
                     clean.find("=?") == std::string::npos && clean.find("  ") == std::string::npos;
  bool long_word = false;  // one that cannot be folded
  std::size_t since_space = 0;
  for (const char c : clean) {
    since_space = c == ' ' ? 0 : since_space + 1;
    long_word = long_word || since_space > 60;
  }
  const bool blank_ends = !clean.empty() && (clean.front() == ' ' || clean.back() == ' ');
  return plain && !long_word && !blank_ends ? fold(clean) : encoded_words(clean);
}

bool is_plain_address(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size() || text.size() > 254) return false;
  if (text.find('@', at + 1) != std::string_view::npos) return false;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
  };
  const auto is_dotted = [&](std::string_view part) {
    return std::all_of(part.begin(), part.end(), fits) && part.front() != '.' && part.back() != '.' &&
           part.find("..") == std::string_view::npos;
  };
  return is_dotted(text.substr(0, at)) && is_dotted(text.substr(at + 1));
}

std::string mail_date(std::int64_t unix_ms) {
  static constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm at = civil(unix_ms);
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000", days.at(static_cast<std::size_t>(at.tm_wday)),
      at.tm_mday, months.at(static_cast<std::size_t>(at.tm_mon)), at.tm_year + 1900, at.tm_hour, at.tm_min, at.tm_sec);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string iso_time(std::int64_t unix_ms) {
  const std::tm at = civil(unix_ms);
  const auto milliseconds = static_cast<int>((unix_ms % 1000 + 1000) % 1000);
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", at.tm_year + 1900,
                                   at.tm_mon + 1, at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, milliseconds);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string file_name(std::string_view text) {
  constexpr std::size_t most = 180;  // a name has 255 bytes, and readers add their flags
  std::string name;
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (plain) {
      name += c;
    } else {
      name += '_';
      name += hex[static_cast<unsigned char>(c) >> 4U];
      name += hex[static_cast<unsigned char>(c) & 15U];
    }
  }
  if (name.size() <= most) return name;
  name.resize(most - 18);
  name += "__";  // no byte's code begins so
  for (unsigned shift = 0; shift < 64; shift += 4) name += hex[hash >> shift & 15U];
  return name;
}

std::string to_base64(std::string_view bytes) {
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8U | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= group.size() ? digits[bits >> (18 - 6 * i) & 63U] : '=';
    }
  }
  return out;
}

}  // namespace tocsin::file
