// SPDX-License-Identifier: Apache-2.0
// Pages for loans, and the register by which a fault's address is explained.
#include "sdk/conformance/src/lent.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>

namespace tocsin::conformance {
namespace {

struct region {
  std::uintptr_t begin;
  std::size_t size;  // readable pages; one more that is not follows
  const char* call;
  bool lent;
  std::atomic<bool> over;
};

constexpr std::size_t most_regions = 60'000;  // below the kernel's default limit of maps
std::array<region, 16'384> regions;
std::atomic<std::size_t> region_count{0};
static_assert(std::tuple_size_v<decltype(regions)> < most_regions / 2);

std::size_t page() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

// The place for `size` bytes that end where reading ends; `index` is its region.
void* make_region(const char* call, std::size_t size, bool lent, std::size_t& index) {
  index = region_count++;
  if (index >= regions.size()) throw std::bad_alloc();
  const std::size_t readable = (size + page() - 1) / page() * page();
  void* at = mmap(nullptr, readable + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  mprotect(static_cast<char*>(at) + readable, page(), PROT_NONE);
  region& made = regions[index];
  made.begin = reinterpret_cast<std::uintptr_t>(at);
  made.size = readable;
  made.call = call;
  made.lent = lent;
  made.over = false;
  return static_cast<char*>(at) + readable - size;
}

}  // namespace

loan::~loan() {
  for (const std::size_t index : regions_) {
    region& one = regions[index];
    one.over = true;
    void* at = reinterpret_cast<void*>(one.begin);
    madvise(at, one.size, MADV_DONTNEED);
    mprotect(at, one.size, PROT_NONE);
  }
}

void* loan::take(const void* from, std::size_t size, std::size_t extra) {
  std::size_t index = 0;
  void* at = make_region(call_, size + extra, true, index);
  regions_.push_back(index);
  std::memcpy(at, from, size);
  std::memset(static_cast<char*>(at) + size, 0xa5, extra);
  return at;
}

tocsin_string loan::text(std::string_view of) {
  if (of.empty()) return {nullptr, 0};
  return {static_cast<const char*>(take(of.data(), of.size(), 0)), of.size()};
}

tocsin_bytes loan::bytes(std::string_view of) {
  if (of.empty()) return {nullptr, 0};
  return {static_cast<const std::uint8_t*>(take(of.data(), of.size(), 0)), of.size()};
}

void* guarded_copy(const char* what, const void* from, std::size_t size) {
  std::size_t index = 0;
  void* at = make_region(what, size, false, index);
  std::memcpy(at, from, size);
  return at;
}

const char* describe_address(const void* address) {
  static std::array<char, 256> text;
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const std::size_t count = region_count < regions.size() ? region_count.load() : regions.size();
  for (std::size_t index = 0; index < count; ++index) {
    const region& one = regions[index];
    if (at < one.begin || at >= one.begin + one.size + page()) continue;
    const char* before = "it used what ";
    const char* after = " had lent it, after that call had returned";
    if (!one.lent) {
      before = "it used a field that the struct_size of ";
      after = " says is not there";
    } else if (at >= one.begin + one.size) {
      before = "it read past the size of what ";
      after = " lent it";
    }
    std::snprintf(text.data(), text.size(), "%s%s%s", before, one.call, after);
    return text.data();
  }
  if (at < page()) return "it used a null pointer";
  return "";
}

}  // namespace tocsin::conformance
