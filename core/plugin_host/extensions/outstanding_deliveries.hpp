// The deliveries that are in a channel plugin's hands: what makes "exactly once" something that the host can check.
#pragma once

#include "core/model/message.hpp"

#include <tocsin/abi/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

namespace tocsin {

// In shards, since every attempt passes here twice. [any thread]
class outstanding_deliveries {
 public:
  struct entry {
    tocsin_token delivery;
    endpoint_token endpoint;
    std::shared_ptr<const event> payload;  // null: the sender gave none
  };

  void add(std::span<const outgoing_message> messages);
  // True once for each that was added; false: it is unknown, or completed already.
  bool take(tocsin_token delivery);
  // Takes all that are left, of one endpoint or of all.
  std::vector<entry> take_all(endpoint_token endpoint);
  std::vector<entry> take_all();

 private:
  struct token_hash {
    std::size_t operator()(const tocsin_token& token) const noexcept {
      return static_cast<std::size_t>((token.index ^ (token.generation << 56)) * 0x9E3779B97F4A7C15u);
    }
  };
  struct token_equal {
    bool operator()(const tocsin_token& a, const tocsin_token& b) const noexcept {
      return a.index == b.index && a.generation == b.generation;
    }
  };
  struct alignas(64) shard {
    std::mutex mutex;
    std::unordered_map<tocsin_token, entry, token_hash, token_equal> entries;
  };
  static constexpr std::size_t shard_count = 16;

  shard& shard_of(const tocsin_token& token) { return shards_[(token_hash{}(token) >> 48) % shard_count]; }
  template <class Wanted>
  std::vector<entry> take_if(Wanted wanted);

  std::array<shard, shard_count> shards_;
};

}  // namespace tocsin
