// SPDX-License-Identifier: Apache-2.0
// UTF-8, sizes and null pointers of what a plugin hands in.
#include "sdk/conformance/src/values.hpp"

#include "sdk/conformance/src/host.hpp"

#include <cstdio>
#include <cstring>

namespace tocsin::conformance {
namespace {

// The length of the sequence that begins at `at`, or 0 (RFC 3629: no surrogates, no overlong forms).
std::size_t sequence(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > text.size()) return 0;
  for (std::size_t index = 1; index < length; ++index)
    if ((byte(at + index) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(at + 1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
      (first == 0xf4 && second > 0x8f))
    return 0;
  return length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string shown(std::string_view text) {
  std::string quoted = "\"";
  for (const char each : text.substr(0, 80)) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte >= 0x20 && byte < 0x7f) {
      quoted.push_back(each);
    } else {
      char hex[5];
      std::snprintf(hex, sizeof(hex), "\\x%02x", byte);
      quoted += hex;
    }
  }
  return quoted + (text.size() > 80 ? "\" ..." : "\"");
}

std::string take_text(const kit_host& host, tocsin_string text, const char* what) {
  std::string taken = take_bytes(host, {reinterpret_cast<const std::uint8_t*>(text.data), text.size}, what);
  if (!is_utf8(taken)) host.breach(laws::text, std::string(what) + " is not UTF-8: " + shown(taken));
  return taken;
}

std::string take_bytes(const kit_host& host, tocsin_bytes bytes, const char* what) {
  if (bytes.size == 0) return {};
  if (bytes.data == nullptr) {
    host.breach(laws::text, std::string(what) + " has a size of " + std::to_string(bytes.size) + " and a null pointer");
    return {};
  }
  constexpr std::uint64_t most = std::uint64_t{1} << 30;
  if (bytes.size > most) {
    host.breach(laws::text, std::string(what) + " has a size of " + std::to_string(bytes.size) + ", which cannot be");
    return {};
  }
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

bool check_struct(const kit_host& host, const void* with_size, std::uint32_t least, const char* what) {
  if (with_size == nullptr) {
    host.breach(laws::struct_size, std::string(what) + " is a null pointer");
    return false;
  }
  std::uint32_t size = 0;
  std::memcpy(&size, with_size, sizeof(size));
  if (size >= least && size <= 64 * 1024) return true;
  host.breach(laws::struct_size, std::string(what) + " says struct_size " + std::to_string(size) +
                                     ", and this version has " + std::to_string(least));
  return false;
}

bool write_to_plugin(const kit_host& host, const tocsin_sink* sink, std::string_view text, const char* what) {
  if (!check_struct(host, sink, sizeof(tocsin_sink), what)) return false;
  if (sink->write == nullptr) {
    host.breach(laws::sink, std::string(what) + " has no function to write with");
    return false;
  }
  return sink->write(sink->context, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}) == TOCSIN_OK;
}

}  // namespace tocsin::conformance
