// SPDX-License-Identifier: Apache-2.0
// tocsin.secrets/1: serves references in settings, such as password = "vault:smtp/orchestrator#password".
#pragma once

#include <tocsin/abi/ext/secret_store.h>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::sdk {

// [secrets.NAME], as the host lends it for open(): copy what is to be kept.
class secret_store_config {
 public:
  explicit secret_store_config(const tocsin_secret_store_config& raw) noexcept : raw_(&raw) {}

  std::string_view name() const noexcept { return view(raw_->name); }
  // One JSON object, as endpoint::settings(). json.hpp reads it.
  std::string_view settings() const noexcept { return view(raw_->settings); }

 private:
  const tocsin_secret_store_config* raw_;
};

// A value may be used until the settings are loaded again.
inline constexpr std::chrono::milliseconds until_reload{-1};

// A secret's value, overwritten when it is dropped.
class secret {
 public:
  explicit secret(std::string value, std::chrono::milliseconds valid = until_reload) noexcept
      : value_(std::move(value)), valid_(valid) {}
  secret(secret&& other) noexcept : value_(other.value_), valid_(other.valid_) { other.wipe(); }
  secret& operator=(secret&&) = delete;
  ~secret() { wipe(); }

  std::string_view value() const noexcept { return value_; }
  std::chrono::milliseconds valid() const noexcept { return valid_; }  // from now

 private:
  void wipe() noexcept {
    volatile char* bytes = value_.data();
    for (std::size_t at = 0; at < value_.size(); ++at) bytes[at] = 0;
  }

  std::string value_;
  std::chrono::milliseconds valid_;
};

// One request for a secret: answered exactly once, by answer() or fail(), on any thread; dropped without an answer it
// fails. Not before the plugin is active and not after stop().
class secret_request {
 public:
  secret_request(const host_api& host, token request) noexcept : host_(host), request_(request), open_(true) {}
  secret_request(secret_request&& other) noexcept
      : host_(other.host_), request_(other.request_), open_(std::exchange(other.open_, false)) {}
  secret_request& operator=(secret_request&&) = delete;
  ~secret_request() { fail(TOCSIN_FAILED, "the plugin dropped the request without an answer"); }

  bool is_open() const noexcept { return open_; }

  void answer(const secret& value) noexcept {
    tocsin_secret_answer given = made(TOCSIN_OK);
    given.value = {reinterpret_cast<const std::uint8_t*>(value.value().data()), value.value().size()};
    given.valid_ms = value.valid().count();
    send(given);
  }
  // TOCSIN_INVALID: there is no such secret; TOCSIN_UNAVAILABLE: not now, the host asks again. reason: one line, never
  // the value.
  void fail(tocsin_status status, std::string_view reason) noexcept {
    tocsin_secret_answer given = made(status);
    given.reason = to_abi(reason);
    send(given);
  }

 private:
  static tocsin_secret_answer made(tocsin_status status) noexcept {
    tocsin_secret_answer given{};
    given.struct_size = sizeof(given);
    given.status = status;
    given.valid_ms = -1;
    return given;
  }

  void send(const tocsin_secret_answer& given) noexcept {
    if (!std::exchange(open_, false)) return;
    const auto* table = host_.table<tocsin_host_secret_answer>(TOCSIN_HOST_SECRET_ANSWER);
    if (table != nullptr && TOCSIN_HAS_FIELD(tocsin_host_secret_answer, table, answer))
      table->answer(host_.context(), request_, &given);
  }

  host_api host_;
  token request_;
  bool open_;
};

class secret_store {
 public:
  virtual ~secret_store() = default;

  // [control] active. Take a store's settings and name it (token_table makes such names); connect nothing yet. An
  // exception: every reference to it is in error, what() says why.
  virtual token open(const secret_store_config& config) = 0;

  // [control] active, draining. The end of it: its requests are answered before this returns, such as by dropping them.
  virtual void close(token store) = 0;

  // [any] active: several at once, for one store as well. Look up what follows the colon of a reference. Return at
  // once: move the request away, and answer it when the value is there. An exception answers it: a `failure` chooses
  // the status. reference is borrowed for the call.
  virtual void fetch(token store, std::string_view reference, secret_request&& request) = 0;
};

// A store that has its values at hand, such as in a file or in memory, and need not wait for anything.
class simple_secret_store : public secret_store {
 public:
  // [any] active: several at once, for one store as well. The value; or throw failure(TOCSIN_INVALID, ...) for a secret
  // that there is not, failure(TOCSIN_UNAVAILABLE, ...) where it cannot be told now.
  virtual secret look_up(token store, std::string_view reference) = 0;

  void fetch(token store, std::string_view reference, secret_request&& request) final {
    request.answer(look_up(store, reference));
  }
};

namespace detail {

template <class Plugin>
struct secret_store_calls {
  static secret_store& object(void* self) noexcept { return *static_cast<Plugin*>(self); }
  static const host_api& host(void* self) noexcept {
    return static_cast<const plugin*>(static_cast<Plugin*>(self))->host();
  }

  static tocsin_status open(void* self, const tocsin_secret_store_config* config, tocsin_token* name,
                            const tocsin_sink* error) noexcept {
    return with_barrier(error, [&] { *name = object(self).open(secret_store_config(*config)); });
  }

  static void close(void* self, tocsin_token which) noexcept {
    with_barrier(host(self), "secrets.close", [&] { object(self).close(which); });
  }

  static void fetch(void* self, tocsin_token which, tocsin_token request, tocsin_string reference) noexcept {
    secret_request asked(host(self), request);
    try {
      object(self).fetch(which, view(reference), std::move(asked));
    } catch (...) {
      std::string reason;
      const tocsin_status status = translate_current_exception([&reason](std::string_view text) noexcept {
        try {
          reason = text;
        } catch (...) {  // no room for the reason
        }
      });
      asked.fail(status, reason);
    }
  }

  static constexpr tocsin_secret_store table{sizeof(tocsin_secret_store), 0, &open, &close, &fetch};
};

}  // namespace detail

}  // namespace tocsin::sdk
