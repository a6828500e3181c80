// SPDX-License-Identifier: Apache-2.0
// tocsin.doctor/1: the staged diagnosis of an endpoint.
#pragma once

#include <tocsin/abi/ext/doctor.h>
#include <tocsin/sdk/exception_barrier.hpp>
#include <tocsin/sdk/message.hpp>
#include <tocsin/sdk/plugin.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace tocsin::sdk {

// What to diagnose, as the host lends it for the call: copy what is to be kept.
class diagnosis {
 public:
  explicit diagnosis(const tocsin_diagnosis& raw) noexcept : raw_(&raw) {}

  token run() const noexcept { return raw_->run; }                               // names this diagnosis in the reports
  token endpoint() const noexcept { return raw_->endpoint; }                     // as the channel's open() returned it
  std::string_view recipient() const noexcept { return view(raw_->recipient); }  // empty: stop before that stage
  // Something: send it to the recipient, too.
  std::optional<sdk::message> message() const noexcept {
    return raw_->message == nullptr ? std::nullopt : std::optional<sdk::message>(*raw_->message);
  }

 private:
  const tocsin_diagnosis* raw_;
};

// One stage's end.
struct stage {
  std::string_view name;  // one of the manifest's "stages"
  bool ok = true;
  std::string_view code = "OK";
  std::string_view detail;  // one line: what was found, or what failed and why
  std::chrono::milliseconds duration{0};
  std::string_view facts;  // a JSON object, or empty
};

// [any] active. Stages come in order; the first that fails is the last.
inline void report(const host_api& host, token run, const stage& what) noexcept {
  tocsin_stage raw{};
  raw.struct_size = sizeof(raw);
  raw.ok = what.ok ? 1 : 0;
  raw.stage = to_abi(what.name);
  raw.code = to_abi(what.code);
  raw.detail = to_abi(what.detail);
  raw.duration_ms = static_cast<std::uint64_t>(what.duration.count());
  raw.facts = to_abi(what.facts);
  host.report_stage(run, raw);
}

class doctor {
 public:
  virtual ~doctor() = default;

  // [control] active. Begin and return at once; report() each stage, then host().report_done() exactly once. An
  // exception: the diagnosis did not begin, nothing may be reported, and the host shows what() as a failure of the
  // endpoint's settings. What is wrong with the connection is a stage that fails.
  virtual void diagnose(const diagnosis& request) = 0;
};

namespace detail {

template <class Plugin>
struct doctor_calls {
  static tocsin_status diagnose(void* self, const tocsin_diagnosis* request, const tocsin_sink* error) noexcept {
    doctor& object = *static_cast<Plugin*>(self);
    return with_barrier(error, [&] { object.diagnose(diagnosis(*request)); });
  }

  static constexpr tocsin_doctor table{sizeof(tocsin_doctor), 0, &diagnose};
};

}  // namespace detail

}  // namespace tocsin::sdk
