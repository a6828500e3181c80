// SPDX-License-Identifier: Apache-2.0
// Messages as the host lends them to a channel, one by one or as a batch. Views only: nothing is copied.
#pragma once

#include <tocsin/abi/message.h>
#include <tocsin/sdk/event.hpp>
#include <tocsin/sdk/string.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace tocsin::sdk {

// One delivery. Valid for the call that brings it: copy what is to be kept.
class message {
 public:
  explicit message(const tocsin_message& raw) noexcept : raw_(&raw) {}

  token delivery() const noexcept { return raw_->delivery; }                     // complete it exactly once
  token endpoint() const noexcept { return raw_->endpoint; }                     // as open() returned it
  std::uint32_t attempt() const noexcept { return raw_->attempt; }               // 1 for the first
  std::string_view recipient() const noexcept { return view(raw_->recipient); }  // not checked for any syntax
  std::string_view organization() const noexcept { return view(raw_->organization); }
  std::string_view language() const noexcept { return view(raw_->language); }  // BCP 47
  // The same in every attempt, so that a repeated copy is the same byte for byte.
  std::string_view message_id() const noexcept { return view(raw_->message_id); }  // without angle brackets
  std::int64_t created_ms() const noexcept { return raw_->created_ms; }
  // The parts that the manifest's "parts" asked for; the others are empty. Lines end in LF.
  std::string_view subject() const noexcept { return view(raw_->subject); }
  std::string_view text() const noexcept { return view(raw_->text); }
  std::string_view html() const noexcept { return view(raw_->html); }
  // Nothing for a digest.
  std::optional<sdk::event> event() const noexcept {
    return raw_->event == nullptr ? std::nullopt : std::optional<sdk::event>(from_abi(*raw_->event));
  }

  const tocsin_message& raw() const noexcept { return *raw_; }

 private:
  const tocsin_message* raw_;
};

// The messages of one deliver(), for range-for. Valid for the call.
class messages {
 public:
  messages(const tocsin_message* const* first, std::uint64_t count) noexcept
      : first_(first), count_(static_cast<std::size_t>(count)) {}

  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = message;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = message;

    explicit iterator(const tocsin_message* const* at) noexcept : at_(at) {}
    message operator*() const noexcept { return message(**at_); }
    iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    iterator operator++(int) noexcept { return iterator(at_++); }
    friend bool operator==(iterator left, iterator right) noexcept { return left.at_ == right.at_; }
    friend bool operator!=(iterator left, iterator right) noexcept { return left.at_ != right.at_; }

   private:
    const tocsin_message* const* at_;
  };

  iterator begin() const noexcept { return iterator(first_); }
  iterator end() const noexcept { return iterator(first_ + count_); }
  std::size_t size() const noexcept { return count_; }
  message operator[](std::size_t index) const noexcept { return message(*first_[index]); }

 private:
  const tocsin_message* const* first_;
  std::size_t count_;
};

// The deliveries of one cancel(). Valid for the call.
class tokens {
 public:
  tokens(const token* first, std::uint64_t count) noexcept : first_(first), count_(static_cast<std::size_t>(count)) {}
  const token* begin() const noexcept { return first_; }
  const token* end() const noexcept { return first_ + count_; }
  std::size_t size() const noexcept { return count_; }

 private:
  const token* first_;
  std::size_t count_;
};

}  // namespace tocsin::sdk
