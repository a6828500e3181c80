// SPDX-License-Identifier: Apache-2.0
// tocsin.http_route/1: takes requests to /v1/sources/NAME/... on the host's one listener.
#pragma once

#include <tocsin/abi/ext/http_route.h>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tocsin::sdk {

// A request, as the host lends it for call(): copy what is to be kept.
class http_call {
 public:
  explicit http_call(const tocsin_http_call& raw) noexcept : raw_(&raw) {}

  token id() const noexcept { return raw_->call; }        // what the answer needs
  token source() const noexcept { return raw_->source; }  // as source::open() returned it
  std::string_view method() const noexcept { return view(raw_->method); }
  std::string_view path() const noexcept { return view(raw_->path); }    // as in the manifest: "/heartbeat"
  std::string_view query() const noexcept { return view(raw_->query); }  // as it was sent, without '?'
  std::string_view organization() const noexcept { return view(raw_->organization); }  // the caller's; empty: any
  std::string_view body() const noexcept { return view(raw_->body); }
  // The first of this name, which is in lower case; authorization and cookie are never there.
  std::optional<std::string_view> header(std::string_view name) const noexcept {
    for (std::uint64_t index = 0; index < raw_->header_count; ++index) {
      if (view(raw_->headers[index].name) == name) return view(raw_->headers[index].value);
    }
    return std::nullopt;
  }
  const tocsin_http_call& raw() const noexcept { return *raw_; }

 private:
  const tocsin_http_call* raw_;
};

class http_route {
 public:
  virtual ~http_route() = default;

  // [any] active. Take one request and return at once; answer it exactly once through host().answer(), now or later,
  // from any thread. After 30 s the host answers for you. Several come at once, for one source as well. The method and
  // the path are among the manifest's "http_routes", and the caller's token was checked. Throw only before it is
  // answered: it is then answered 500, with what() in the log alone.
  virtual void call(const http_call& request) = 0;
};

namespace detail {

template <class Plugin>
struct http_route_calls {
  static http_route& object(void* self) noexcept { return *static_cast<Plugin*>(self); }
  static const host_api& host(void* self) noexcept {
    return static_cast<const plugin*>(static_cast<Plugin*>(self))->host();
  }

  static void call(void* self, const tocsin_http_call* raw) noexcept {
    if (with_barrier(host(self), "http_route.call", [&] { object(self).call(http_call(*raw)); })) return;
    http_answer failed;
    failed.status = 500;
    failed.content_type = "application/problem+json";
    failed.body = R"({"type":"about:blank","title":"Internal Server Error","status":500,)"
                  R"("detail":"The source failed at this request; see the log.","code":"SOURCE_FAILED"})";
    host(self).answer(raw->call, failed);
  }

  static constexpr tocsin_http_route table{sizeof(tocsin_http_route), 0, &call};
};

}  // namespace detail

}  // namespace tocsin::sdk
