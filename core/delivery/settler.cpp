// Writes outcomes down, again and again while the disk is full.
#include "core/delivery/settler.hpp"

#include "core/observe/log.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace tocsin {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_wait{100};
constexpr milliseconds longest_wait{5'000};

}  // namespace

void settler::settle(std::vector<settlement> batch, callback ended) {
  attempt(std::make_shared<const std::vector<settlement>>(std::move(batch)), std::move(ended), first_wait);
}

// The store cannot write one of them, and refused them together. One that it refuses alone stays leased: the next start
// finds it as interrupted.
void settler::one_by_one(const std::vector<settlement>& batch, const callback& ended) {
  if (batch.size() == 1) return ended(true);
  const auto left = std::make_shared<std::atomic<std::size_t>>(batch.size());
  const auto each = [left, ended](bool written) {
    if (left->fetch_sub(1) == 1) ended(written);
  };
  for (const auto& one : batch) settle({one}, each);
}

void settler::attempt(std::shared_ptr<const std::vector<settlement>> batch, callback ended, milliseconds wait) {
  auto copy = *batch;
  store_.settle(std::move(copy), [self = shared_from_this(), batch = std::move(batch), ended = std::move(ended),
                                  wait](result<void> written) {
    if (written) {
      self->complained_ = false;
      return ended(true);
    }
    const auto& why = written.error();
    if (!self->complained_.exchange(true)) {
      log::write(log::level::error, "outcomes could not be written down",
                 {{"deliveries", std::to_string(batch->size())}, {"code", why.code}, {"why", why.to_string()}});
    }
    if (why.code == "STORE_CLOSED" || why.code == "STORE_FAILED") return ended(false);
    if (why.code == "STORE_REFUSED") return self->one_by_one(*batch, ended);
    self->clock_.after(wait,
                       [self, batch, ended, wait] { self->attempt(batch, ended, std::min(wait * 2, longest_wait)); });
  });
}

}  // namespace tocsin
