// SPDX-License-Identifier: Apache-2.0
// Memory that is lent to the plugin for one call: it ends at a page that cannot be read, and cannot be read at all
// after the call. Whoever reads past a text's size or keeps a pointer is found out at once.
#pragma once

#include <tocsin/abi/types.h>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tocsin::conformance {

// One call's loan. Not for several threads at once.
class loan {
 public:
  explicit loan(const char* call) : call_(call) {}  // a literal
  ~loan();                                          // takes all back
  loan(const loan&) = delete;
  loan& operator=(const loan&) = delete;

  tocsin_string text(std::string_view of);
  tocsin_bytes bytes(std::string_view of);
  // extra: bytes of 0xa5 behind the struct, as a newer host's larger one has them.
  template <class Struct>
  Struct* put(const Struct& of, std::size_t extra = 0) {
    static_assert(std::is_trivially_copyable_v<Struct>);
    return static_cast<Struct*>(take(&of, sizeof(Struct), extra));
  }
  template <class Value>
  const Value* array(const std::vector<Value>& of) {
    static_assert(std::is_trivially_copyable_v<Value>);
    return of.empty() ? nullptr : static_cast<const Value*>(take(of.data(), of.size() * sizeof(Value), 0));
  }

 private:
  void* take(const void* from, std::size_t size, std::size_t extra);

  const char* call_;
  std::vector<std::size_t> regions_;
};

// A copy of the first `size` bytes of a struct, for ever, that ends at a page that cannot be read.
void* guarded_copy(const char* what, const void* from, std::size_t size);

// What lies at an address that could not be read, or "". Safe in a signal handler.
const char* describe_address(const void* address);

}  // namespace tocsin::conformance
