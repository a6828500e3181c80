// SPDX-License-Identifier: Apache-2.0
// tocsin.subscriber/1: gets a copy of accepted events.
#pragma once

#include <tocsin/abi/ext/subscriber.h>
#include <tocsin/sdk/event.hpp>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace tocsin::sdk {

// [subscribers.NAME], as the host lends it for open(): copy what is to be kept.
class subscription_config {
 public:
  explicit subscription_config(const tocsin_subscription& raw) noexcept : raw_(&raw) {}

  std::string_view name() const noexcept { return view(raw_->name); }
  // One JSON object, as endpoint::settings(). json.hpp reads it.
  std::string_view settings() const noexcept { return view(raw_->settings); }

 private:
  const tocsin_subscription* raw_;
};

// Events as the host lends them for a call: for (const event& one : events).
class events {
 public:
  events(const tocsin_event* const* list, std::uint64_t count) noexcept : list_(list), count_(count) {}

  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = event;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = event;

    explicit iterator(const tocsin_event* const* at) noexcept : at_(at) {}
    event operator*() const noexcept { return from_abi(**at_); }
    iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    bool operator==(const iterator& other) const noexcept { return at_ == other.at_; }
    bool operator!=(const iterator& other) const noexcept { return at_ != other.at_; }

   private:
    const tocsin_event* const* at_;
  };

  iterator begin() const noexcept { return iterator(list_); }
  iterator end() const noexcept { return iterator(list_ + count_); }
  std::size_t size() const noexcept { return static_cast<std::size_t>(count_); }
  bool empty() const noexcept { return count_ == 0; }

 private:
  const tocsin_event* const* list_;
  std::uint64_t count_;
};

class subscriber {
 public:
  virtual ~subscriber() = default;

  // [control] active. Begin a configured subscription and name it (token_table makes such names). An exception: it does
  // not run, what() says why.
  virtual token open(const subscription_config& config) = 0;

  // [control] active, draining. No received() for it comes any more.
  virtual void close(token subscription) = 0;

  // [worker] active. Events that were accepted, in the order of their commit, borrowed for the call; one call at a time
  // for a subscription. lost: how many were passed over since the call before.
  virtual void received(token subscription, const events& batch, std::uint64_t lost) = 0;
};

namespace detail {

template <class Plugin>
struct subscriber_calls {
  static subscriber& object(void* self) noexcept { return *static_cast<Plugin*>(self); }
  static const host_api& host(void* self) noexcept {
    return static_cast<const plugin*>(static_cast<Plugin*>(self))->host();
  }

  static tocsin_status open(void* self, const tocsin_subscription* subscription, tocsin_token* name,
                            const tocsin_sink* error) noexcept {
    return with_barrier(error, [&] { *name = object(self).open(subscription_config(*subscription)); });
  }

  static void close(void* self, tocsin_token which) noexcept {
    with_barrier(host(self), "subscriber.close", [&] { object(self).close(which); });
  }

  static void received(void* self, tocsin_token which, const tocsin_event* const* list, std::uint64_t count,
                       std::uint64_t lost) noexcept {
    with_barrier(host(self), "subscriber.events", [&] { object(self).received(which, events(list, count), lost); });
  }

  static constexpr tocsin_subscriber table{sizeof(tocsin_subscriber), 0, &open, &close, &received};
};

}  // namespace detail

}  // namespace tocsin::sdk
