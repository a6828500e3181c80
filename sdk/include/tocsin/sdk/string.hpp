// SPDX-License-Identifier: Apache-2.0
// Text, bytes, tokens and sinks of the C interface as values of the standard library. Nothing here allocates, but
// string_sink.
#pragma once

#include <tocsin/abi/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::sdk {

using token = tocsin_token;

constexpr bool same(token left, token right) noexcept {
  return left.index == right.index && left.generation == right.generation;
}
// {0, 0} never names anything.
constexpr bool valid(token which) noexcept { return which.index != 0 || which.generation != 0; }

// For std::unordered_map<token, T, token_hash, token_equal>.
struct token_hash {
  std::size_t operator()(token which) const noexcept {
    return std::hash<std::uint64_t>()(which.index * 0x9e3779b97f4a7c15u ^ which.generation);
  }
};
struct token_equal {
  constexpr bool operator()(token left, token right) const noexcept { return same(left, right); }
};

// The C interface's view of text. The text must outlive the call that it is handed to.
constexpr tocsin_string to_abi(std::string_view text) noexcept { return tocsin_string{text.data(), text.size()}; }
inline tocsin_bytes to_bytes(std::string_view bytes) noexcept {
  return tocsin_bytes{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

// Valid as long as what it views: for the arguments of a call, until the call returns.
constexpr std::string_view view(tocsin_string text) noexcept {
  return text.size == 0 ? std::string_view() : std::string_view(text.data, static_cast<std::size_t>(text.size));
}
inline std::string_view view(tocsin_bytes bytes) noexcept {
  return bytes.size == 0
             ? std::string_view()
             : std::string_view(reinterpret_cast<const char*>(bytes.data), static_cast<std::size_t>(bytes.size));
}

// Writes to a sink that the host supplied. False: there is no sink, or it takes no more; give up.
inline bool write(const tocsin_sink* sink, std::string_view text) noexcept {
  if (sink == nullptr || !TOCSIN_HAS_FIELD(tocsin_sink, sink, write) || sink->write == nullptr) return false;
  return sink->write(sink->context, to_bytes(text)) == TOCSIN_OK;
}

// A sink of our own that gathers what the host writes. Stays where it is made: the host holds its address during the
// call.
class string_sink {
 public:
  string_sink() noexcept : sink_{sizeof(tocsin_sink), 0, this, &string_sink::append} {}
  string_sink(const string_sink&) = delete;
  string_sink& operator=(const string_sink&) = delete;

  const tocsin_sink* get() const noexcept { return &sink_; }
  const std::string& text() const& noexcept { return text_; }
  std::string text() && noexcept { return std::move(text_); }

 private:
  static tocsin_status append(void* context, tocsin_bytes data) noexcept {
    try {
      static_cast<string_sink*>(context)->text_.append(view(data));
      return TOCSIN_OK;
    } catch (const std::exception&) {
      return TOCSIN_NO_MEMORY;
    }
  }

  tocsin_sink sink_;
  std::string text_;
};

// Throw it to answer a call with a status of your choice; any other std::exception means TOCSIN_FAILED.
class failure : public std::runtime_error {
 public:
  failure(tocsin_status status, const std::string& reason) : std::runtime_error(reason), status_(status) {}
  tocsin_status status() const noexcept { return status_; }

 private:
  tocsin_status status_;
};

}  // namespace tocsin::sdk
