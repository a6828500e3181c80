// SPDX-License-Identifier: Apache-2.0
// tocsin.source/1: publishes events.
#pragma once

#include <tocsin/abi/ext/source.h>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <cstdint>
#include <string_view>

namespace tocsin::sdk {

// [sources.NAME], as the host lends it for open(): copy what is to be kept.
class source_config {
 public:
  explicit source_config(const tocsin_source_config& raw) noexcept : raw_(&raw) {}

  std::string_view name() const noexcept { return view(raw_->name); }
  std::string_view organization() const noexcept { return view(raw_->organization); }  // for input that names none
  // One JSON object, as endpoint::settings(). json.hpp reads it.
  std::string_view settings() const noexcept { return view(raw_->settings); }
  std::uint64_t credits() const noexcept { return raw_->credits; }  // how many events may be under way

 private:
  const tocsin_source_config* raw_;
};

// What a publish() came to. Valid for the call.
class publish_result {
 public:
  explicit publish_result(const tocsin_publish_result& raw) noexcept : raw_(&raw) {}

  bool ok() const noexcept { return raw_->status == TOCSIN_OK; }  // all of it is on disk; else nothing is
  tocsin_status status() const noexcept { return raw_->status; }
  std::uint64_t accepted() const noexcept { return raw_->accepted; }
  std::uint64_t duplicates() const noexcept { return raw_->duplicates; }
  std::string_view reason() const noexcept { return view(raw_->reason); }

 private:
  const tocsin_publish_result* raw_;
};

class source {
 public:
  virtual ~source() = default;

  // [control] active. Begin a configured source and name it (token_table makes such names). host().publish() may be
  // called for it as soon as this has returned. An exception: it does not run, what() says why.
  virtual token open(const source_config& config) = 0;

  // [control] active, draining. Publish nothing for it any more.
  virtual void close(token source) = 0;

  // [worker] active, draining. The answer to the publish() that bore this ticket, exactly once; its credits are back.
  // It may come before publish() has returned and after close(). Before stop() the host waits for it, for a bounded
  // time.
  virtual void published(token /*source*/, std::uint64_t /*ticket*/, const publish_result& /*result*/) {}
};

namespace detail {

template <class Plugin>
struct source_calls {
  static source& object(void* self) noexcept { return *static_cast<Plugin*>(self); }
  static const host_api& host(void* self) noexcept {
    return static_cast<const plugin*>(static_cast<Plugin*>(self))->host();
  }

  static tocsin_status open(void* self, const tocsin_source_config* config, tocsin_token* name,
                            const tocsin_sink* error) noexcept {
    return with_barrier(error, [&] { *name = object(self).open(source_config(*config)); });
  }

  static void close(void* self, tocsin_token which) noexcept {
    with_barrier(host(self), "source.close", [&] { object(self).close(which); });
  }

  static void published(void* self, tocsin_token which, std::uint64_t ticket,
                        const tocsin_publish_result* result) noexcept {
    with_barrier(host(self), "source.published",
                 [&] { object(self).published(which, ticket, publish_result(*result)); });
  }

  static constexpr tocsin_source table{sizeof(tocsin_source), 0, &open, &close, &published};
};

}  // namespace detail

}  // namespace tocsin::sdk
