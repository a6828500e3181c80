// SPDX-License-Identifier: Apache-2.0
// What the host offers, with types: log, clock, timer, secrets, complete, publish, recall, doctor, services.
#pragma once

#include <tocsin/abi/ext/channel.h>
#include <tocsin/abi/ext/clock.h>
#include <tocsin/abi/ext/doctor.h>
#include <tocsin/abi/ext/http_route.h>
#include <tocsin/abi/ext/log.h>
#include <tocsin/abi/ext/secrets.h>
#include <tocsin/abi/ext/services.h>
#include <tocsin/abi/ext/source.h>
#include <tocsin/abi/host.h>
#include <tocsin/sdk/event.hpp>
#include <tocsin/sdk/outcome.hpp>
#include <tocsin/sdk/string.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tocsin::sdk {

enum class log_level : std::uint32_t {
  debug = TOCSIN_LOG_DEBUG,
  info = TOCSIN_LOG_INFO,
  warn = TOCSIN_LOG_WARN,
  error = TOCSIN_LOG_ERROR,
  host_misbehaving = TOCSIN_LOG_HOST_MISBEHAVING
};

// A name with its value, in a log line or in a source's memory.
inline tocsin_field field(std::string_view name, std::string_view value) noexcept {
  return tocsin_field{to_abi(name), to_abi(value)};
}

// The answer to a request (http_route.hpp). Everything is lent for the call of host_api::answer().
struct http_answer {
  std::uint32_t status = 200;     // 200..599
  std::string_view content_type;  // empty: application/json
  std::string_view body;
  const tocsin_field* headers = nullptr;  // further ones, such as retry-after; those of the connection are the host's
  std::uint64_t header_count = 0;
};

// A service that another plugin offers: call table->function(self, ...).
template <class Table>
struct service {
  const Table* table = nullptr;
  void* self = nullptr;
  explicit operator bool() const noexcept { return table != nullptr; }
};

// The host, as a plugin sees it. The tables are looked up once, when the plugin is created; a host that lacks one is
// no error until it is needed, and each function says what it does then. Copies are cheap and refer to the same host.
// [any] for every function that is not marked otherwise; callable in any state where nothing else is said.
class host_api {
 public:
  host_api() noexcept = default;
  explicit host_api(const tocsin_host* host) noexcept
      : host_(host),
        log_(table<tocsin_host_log>(TOCSIN_HOST_LOG)),
        clock_(table<tocsin_host_clock>(TOCSIN_HOST_CLOCK)),
        timer_(table<tocsin_host_timer>(TOCSIN_HOST_TIMER)),
        secrets_(table<tocsin_host_secrets>(TOCSIN_HOST_SECRETS)),
        services_(table<tocsin_host_services>(TOCSIN_HOST_SERVICES)),
        complete_(table<tocsin_host_complete>(TOCSIN_HOST_COMPLETE)),
        publish_(table<tocsin_host_publish>(TOCSIN_HOST_PUBLISH)),
        doctor_(table<tocsin_host_doctor>(TOCSIN_HOST_DOCTOR)),
        http_answer_(table<tocsin_host_http_answer>(TOCSIN_HOST_HTTP_ANSWER)) {}

  const tocsin_host* raw() const noexcept { return host_; }
  std::string_view version() const noexcept { return host_ == nullptr ? std::string_view() : view(host_->version); }

  // Any further extension of the host's, or null.
  template <class Table>
  const Table* table(std::string_view id) const noexcept {
    if (host_ == nullptr || host_->get_extension == nullptr) return nullptr;
    return static_cast<const Table*>(host_->get_extension(host_->context, to_abi(id)));
  }
  void* context() const noexcept { return host_ == nullptr ? nullptr : host_->context; }

  // One line in the host's log. Without a log: nothing.
  void log(log_level level, std::string_view text, const tocsin_field* fields, std::uint64_t count) const noexcept {
    if (!offers(log_, &tocsin_host_log::write)) return;
    log_->write(context(), static_cast<std::uint32_t>(level), to_abi(text), fields, count);
  }
  void log(log_level level, std::string_view text, std::initializer_list<tocsin_field> fields = {}) const noexcept {
    log(level, text, fields.begin(), fields.size());
  }

  // Unix time in milliseconds; may jump. Without the host's clock: the machine's.
  std::int64_t now_ms() const noexcept {
    if (offers(clock_, &tocsin_host_clock::now_ms)) return clock_->now_ms(context());
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  // Never goes back; its zero means nothing.
  std::chrono::nanoseconds monotonic() const noexcept {
    if (offers(clock_, &tocsin_host_clock::monotonic_ns)) {
      return std::chrono::nanoseconds(static_cast<std::int64_t>(clock_->monotonic_ns(context())));
    }
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
  }

  // Have fired(id) of timer.hpp called once, delay from now; one that runs is set anew. False: this host has no timers.
  // [any] active
  bool start_timer(std::uint64_t id, std::chrono::milliseconds delay) const noexcept {
    if (!offers(timer_, &tocsin_host_timer::start)) return false;
    timer_->start(context(), id, delay.count() < 0 ? 0u : static_cast<std::uint64_t>(delay.count()));
    return true;
  }
  // A call that is already under way is not stopped. [any] active, draining
  void cancel_timer(std::uint64_t id) const noexcept {
    if (offers(timer_, &tocsin_host_timer::cancel)) timer_->cancel(context(), id);
  }

  // The present value of a secret that the settings name by its handle. Do not keep it longer than needed. Throws
  // failure with the host's reason. [any] active
  std::string reveal(std::uint64_t handle) const {
    if (!offers(secrets_, &tocsin_host_secrets::reveal)) {
      throw failure(TOCSIN_UNSUPPORTED, "this host has no secrets (tocsin.host.secrets/1)");
    }
    string_sink value;
    string_sink error;
    const tocsin_status status = secrets_->reveal(context(), handle, value.get(), error.get());
    if (status != TOCSIN_OK) throw failure(status, error.text().empty() ? "unreadable secret" : error.text());
    return std::move(value).text();
  }

  // A service of another plugin in this process; only ids that the manifest's "requires" names are found. Stays valid
  // until the finder's stop() returns. Empty: not there. [control] in start()
  template <class Table>
  service<Table> find_service(std::string_view id) const noexcept {
    tocsin_service found{};
    found.struct_size = sizeof(tocsin_service);
    if (!offers(services_, &tocsin_host_services::find) ||
        services_->find(context(), to_abi(id), &found) != TOCSIN_OK) {
      return {};
    }
    return service<Table>{static_cast<const Table*>(found.table), found.self};
  }

  // Hand in what a delivery came to; exactly once for each. Without the extension (no host that has channels lacks it):
  // nothing. [any] active, draining
  void complete(token delivery, const outcome& result) const noexcept {
    const tocsin_outcome one = to_abi(delivery, result);
    const tocsin_outcome* all = &one;
    complete(&all, 1);
  }
  void complete(const tocsin_outcome* const* outcomes, std::uint64_t count) const noexcept {
    if (offers(complete_, &tocsin_host_complete::complete)) complete_->complete(context(), outcomes, count);
  }

  // Hand in one event and what to remember with it, as one commit. published() follows with this ticket. Throws
  // failure: TOCSIN_UNAVAILABLE while there is no credit or the source is still opening, TOCSIN_INVALID with the reason
  // for an event that is not valid, a source that is not open and more events than all its credits. [any] active
  void publish(token source, std::uint64_t ticket, const event& what,
               std::initializer_list<tocsin_field> memory = {}) const {
    const tocsin_event one = to_abi(what);
    const tocsin_event* all = &one;
    string_sink error;
    const tocsin_status status = try_publish(source, ticket, &all, 1, memory.begin(), memory.size(), error.get());
    if (status != TOCSIN_OK) throw failure(status, error.text().empty() ? "not published" : error.text());
  }
  // The same for an event of the plugin's own, whatever kind of plugin it is; 16 may be under way. If the plugin is a
  // source, published() follows with the token {0, 0} and this ticket; else a failure becomes a line in the log.
  void publish(const event& what, std::uint64_t ticket = 0) const { publish(token{}, ticket, what); }

  // The same for many, with the status as the answer. TOCSIN_UNSUPPORTED: this host takes no events. [any] active
  tocsin_status try_publish(token source, std::uint64_t ticket, const tocsin_event* const* events,
                            std::uint64_t event_count, const tocsin_field* memory, std::uint64_t memory_count,
                            const tocsin_sink* error) const noexcept {
    if (!offers(publish_, &tocsin_host_publish::publish)) {
      write(error, "this host takes no events (tocsin.host.publish/1)");
      return TOCSIN_UNSUPPORTED;
    }
    return publish_->publish(context(), source, ticket, events, event_count, memory, memory_count, error);
  }

  // What the source remembered under name; empty if it never did. Waits for the store. Throws failure: the memory
  // cannot be read. [control] [worker] active, from open() or published()
  std::string recall(token source, std::string_view name) const {
    if (!offers(publish_, &tocsin_host_publish::recall)) {
      throw failure(TOCSIN_UNSUPPORTED, "this host keeps no memory for sources (tocsin.host.publish/1)");
    }
    string_sink value;
    const tocsin_status status = publish_->recall(context(), source, to_abi(name), value.get());
    if (status != TOCSIN_OK) {
      throw failure(status, "the source's memory \"" + std::string(name) + "\" cannot be read (status " +
                                std::to_string(status) + ")");
    }
    return std::move(value).text();
  }

  // Reports of a diagnosis (doctor.hpp). [any] active
  void report_stage(token run, const tocsin_stage& stage) const noexcept {
    if (offers(doctor_, &tocsin_host_doctor::stage)) doctor_->stage(context(), run, &stage);
  }
  void report_done(token run) const noexcept {
    if (offers(doctor_, &tocsin_host_doctor::done)) doctor_->done(context(), run);
  }

  // Answer a request (http_route.hpp), exactly once. The host sends 500 instead of what no answer may be: a status
  // outside 200..599, a header of the connection or with a line end in it. [any] active, draining
  void answer(token call, const http_answer& what) const noexcept {
    if (!offers(http_answer_, &tocsin_host_http_answer::answer)) return;
    const tocsin_http_answer raw{sizeof(tocsin_http_answer), what.status,  to_abi(what.content_type),
                                 to_bytes(what.body),        what.headers, what.header_count};
    http_answer_->answer(context(), call, &raw);
  }
  // With a JSON body, or none.
  void answer(token call, std::uint32_t status, std::string_view json = {}) const noexcept {
    http_answer what;
    what.status = status;
    what.body = json;
    answer(call, what);
  }

 private:
  // A function is there if the table is, its size covers it and it is not null: a host may be older than this SDK.
  template <class Table, class Function>
  static bool offers(const Table* table, Function Table::*function) noexcept {
    if (table == nullptr) return false;
    const auto offset = reinterpret_cast<const char*>(&(table->*function)) - reinterpret_cast<const char*>(table);
    return table->struct_size >= static_cast<std::size_t>(offset) + sizeof(Function) && table->*function != nullptr;
  }

  const tocsin_host* host_ = nullptr;
  const tocsin_host_log* log_ = nullptr;
  const tocsin_host_clock* clock_ = nullptr;
  const tocsin_host_timer* timer_ = nullptr;
  const tocsin_host_secrets* secrets_ = nullptr;
  const tocsin_host_services* services_ = nullptr;
  const tocsin_host_complete* complete_ = nullptr;
  const tocsin_host_publish* publish_ = nullptr;
  const tocsin_host_doctor* doctor_ = nullptr;
  const tocsin_host_http_answer* http_answer_ = nullptr;
};

}  // namespace tocsin::sdk
