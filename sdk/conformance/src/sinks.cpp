// SPDX-License-Identifier: Apache-2.0
// Sinks that the kit lends: a closed one, a refused one and a null pointer with a size are breaches.
#include "sdk/conformance/src/sinks.hpp"

#include "sdk/conformance/src/blackbox.hpp"
#include "sdk/conformance/src/values.hpp"

#include <mutex>

namespace tocsin::conformance {

struct call_sink::state {
  std::string what;
  std::optional<std::uint64_t> limit;
  std::mutex mutex;
  std::string text;
  bool refused = false;
  bool closed = false;
};

namespace {

tocsin_status write(void* context, tocsin_bytes data) {
  auto& sink = *static_cast<call_sink::state*>(context);
  const std::lock_guard lock(sink.mutex);
  if (sink.closed) {
    blackbox::breach(laws::sink, "it wrote to " + sink.what + " after that call had returned");
    return TOCSIN_FAILED;
  }
  if (sink.refused) {
    blackbox::breach(laws::sink, "it wrote on to " + sink.what + ", which had answered TOCSIN_NO_MEMORY");
    return TOCSIN_NO_MEMORY;
  }
  if (data.size != 0 && data.data == nullptr) {
    blackbox::breach(laws::text, "it wrote " + std::to_string(data.size) + " bytes at a null pointer to " + sink.what);
    return TOCSIN_INVALID;
  }
  if (sink.limit && sink.text.size() + data.size > *sink.limit) {
    sink.refused = true;
    return TOCSIN_NO_MEMORY;
  }
  if (data.size != 0) sink.text.append(reinterpret_cast<const char*>(data.data), data.size);
  return TOCSIN_OK;
}

}  // namespace

call_sink::call_sink(loan& from, std::string what, std::optional<std::uint64_t> limit) : state_(new state) {
  state_->what = std::move(what);
  state_->limit = limit;
  raw_ = from.put(tocsin_sink{sizeof(tocsin_sink), 0, state_, &write});
}

call_sink::~call_sink() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;  // never freed
}

bool call_sink::refused() const {
  const std::lock_guard lock(state_->mutex);
  return state_->refused;
}

std::string call_sink::text() const {
  const std::lock_guard lock(state_->mutex);
  if (!is_utf8(state_->text))
    blackbox::breach(laws::text, "what it wrote to " + state_->what + " is not UTF-8: " + shown(state_->text));
  return state_->text;
}

}  // namespace tocsin::conformance
