// Message-IDs.
#include "core/delivery/message_id.hpp"

#include <cstdint>
#include <random>

namespace tocsin {
namespace {

std::uint64_t chance_of_this_process() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) ^ device();
}

// The finalizer of SplitMix64: spreads neighbouring numbers over all 64 bits.
std::uint64_t spread(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

}  // namespace

std::string make_message_id(delivery_id delivery, std::string_view host) {
  static const std::uint64_t chance = chance_of_this_process();
  constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string id = to_text(delivery);
  id.reserve(id.size() + 15 + host.size());
  id += '.';
  auto bits = spread(static_cast<std::uint64_t>(delivery) ^ chance);
  for (int i = 0; i < 13; ++i, bits >>= 5) id += digits[bits & 31];
  id += '@';
  id += host;
  return id;
}

}  // namespace tocsin
