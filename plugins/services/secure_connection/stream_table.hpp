// The streams of one loop by their tokens: found without a lock on the loop's thread, added and woken from any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace tocsin::secure_connection {

// A place keeps its address for as long as the table lives, so that a late token may always be looked at; what tells
// streams that used the same place apart is the generation.
template <class Stream>
class stream_table {
 public:
  struct name {
    std::uint64_t place = 0;
    std::uint64_t generation = 0;
  };

  stream_table() = default;
  stream_table(const stream_table&) = delete;
  stream_table& operator=(const stream_table&) = delete;
  ~stream_table() {
    for (auto& each : blocks_) delete each.load(std::memory_order_relaxed);
  }

  // Reserves a name; Any thread. Nothing: the table is full.
  std::optional<name> reserve() {
    const std::lock_guard lock(mutex_);
    std::uint64_t place = 0;
    if (!free_.empty()) {
      place = free_.back();
      free_.pop_back();
    } else {
      if (used_ == block_count * block_size) return std::nullopt;
      place = used_;
      if (place % block_size == 0) blocks_[place / block_size].store(new block, std::memory_order_release);
      free_.reserve(used_ + 1);  // so that remove() need not allocate
      ++used_;
    }
    live_.fetch_add(1, std::memory_order_relaxed);
    return name{place, at(place)->state.load(std::memory_order_relaxed) >> 1};
  }

  // Gives the name its stream, once, before anybody else is told the name. Any thread.
  void put(name which, std::shared_ptr<Stream> stream) { at(which.place)->stream = std::move(stream); }

  // Null: over, or never there. The loop's thread.
  Stream* find(name which) const {
    const slot* found = at(which.place);
    if (found == nullptr || found->state.load(std::memory_order_acquire) >> 1 != which.generation) return nullptr;
    return found->stream.get();
  }

  // The loop's thread.
  void remove(name which) {
    slot* found = at(which.place);
    if (found == nullptr || found->state.load(std::memory_order_relaxed) >> 1 != which.generation) return;
    found->stream.reset();
    found->state.store((which.generation + 1) << 1, std::memory_order_release);
    live_.fetch_sub(1, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    free_.push_back(which.place);
  }

  // True: the caller must see to it that the stream is woken; false: that is under way, or the stream is over. Any
  // thread.
  bool request_wake(name which) {
    slot* found = at(which.place);
    std::uint64_t idle = which.generation << 1;
    return found != nullptr && found->state.compare_exchange_strong(idle, idle | 1, std::memory_order_acq_rel);
  }
  // The loop's thread, before it wakes the stream.
  void take_wake(name which) {
    std::uint64_t asked = which.generation << 1 | 1;
    at(which.place)->state.compare_exchange_strong(asked, which.generation << 1, std::memory_order_acq_rel);
  }

  // All that live. The loop's thread, while nothing is added.
  std::vector<std::shared_ptr<Stream>> all() const {
    std::vector<std::shared_ptr<Stream>> streams;
    std::uint64_t used = 0;
    {
      const std::lock_guard lock(mutex_);
      used = used_;
    }
    for (std::uint64_t place = 0; place < used; ++place) {
      if (const auto& stream = at(place)->stream) streams.push_back(stream);
    }
    return streams;
  }

  // How many there are, nearly. Any thread.
  std::size_t size() const { return live_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t block_size = 256;
  static constexpr std::uint64_t block_count = 1024;

  struct slot {
    std::atomic<std::uint64_t> state{1 << 1};  // generation * 2 + (a wake is under way)
    std::shared_ptr<Stream> stream;
  };
  using block = std::array<slot, block_size>;

  slot* at(std::uint64_t place) const {
    if (place >= block_count * block_size) return nullptr;
    block* found = blocks_[place / block_size].load(std::memory_order_acquire);
    return found == nullptr ? nullptr : &(*found)[place % block_size];
  }

  std::array<std::atomic<block*>, block_count> blocks_{};
  mutable std::mutex mutex_;  // of used_ and free_
  std::uint64_t used_ = 0;
  std::vector<std::uint64_t> free_;
  std::atomic<std::size_t> live_{0};
};

}  // namespace tocsin::secure_connection
